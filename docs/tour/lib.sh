# Shared by the tour's scripts: shows each command as a reader would type it, then what it answered.
# Needs a running sandbox (`python3 dev.py run`), and from what it printed:
#   URL (default http://127.0.0.1:8000), AMBITION, LLSE and REGISTRATION (the tokens of those providers and of the
#   registration service).
set -euo pipefail
cd "$(dirname "$0")/../.."
URL=${URL:-http://127.0.0.1:8000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '\n# %s\n' "$*"; }

# api METHOD PATH [BODY] [HEADER…]: one request; prints it, the status and the answer, and keeps the answer for `pick`.
api() {
  local method=$1 path=$2 body=${3:-} header
  shift $(($# < 3 ? $# : 3))
  local arguments=(-sS -g -X "$method" -H "Authorization: Bearer $TOKEN")
  printf '$ curl'
  [ "$method" = GET ] || printf ' -X %s' "$method"
  for header in "$@"; do arguments+=(-H "$header"); printf " -H '%s'" "$header"; done
  [ -z "$body" ] || { arguments+=(-H 'Content-Type: application/json' -d "$body"); printf " -d '%s'" "$body"; }
  printf " '\$URL%s'\n" "$path"
  curl "${arguments[@]}" -o "$work/answer" -w '%{http_code} ' "$URL$path"
  cat "$work/answer"
  echo
}

# pick EXPRESSION: a value of the last answer, as a Python expression on `answer`.
pick() { python3 -c "import json, sys; answer = json.load(open(sys.argv[1])); print($1)" "$work/answer"; }

# quietly COMMAND…, then show NAME…: the request alone, then the named attributes of each record it answered with
# (`enrolment.NAME` for one of a participant's first enrolment).
quietly() { "$@" > "$work/out"; sed -n 1p "$work/out"; }
show() {
  python3 - "$work/answer" "$@" <<'PYTHON'
import json, sys
data = json.load(open(sys.argv[1]))["data"]
for record in data if isinstance(data, list) else [data]:
    attributes = record["attributes"]
    enrolment = (attributes.get("npq_enrolments") or [{}])[0]
    shown = {name: (enrolment if name.startswith("enrolment.") else attributes)[name.removeprefix("enrolment.")]
             for name in sys.argv[2:]}
    print("  ", json.dumps(shown))
PYTHON
}

# manage ARGUMENT…: a management command, with its exit code when that is not 0.
manage() {
  printf '$ python3 dev.py manage'
  printf " %s" "${@//$work\//}"
  printf '\n'
  python3 dev.py manage "$@" 2>&1 || echo "(exit $?)"
}
