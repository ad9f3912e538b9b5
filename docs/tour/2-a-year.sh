#!/usr/bin/env bash
# A provider's whole year with one participant. X-With-Server-Date moves the sandbox's clock for one request.
source "$(dirname "$0")/lib.sh"
TOKEN=$AMBITION
at() { printf 'X-With-Server-Date: %s' "$1"; }

quietly api GET '/api/v3/npq-applications?filter[cohort]=2025&page[per_page]=3000' > /dev/null
application=$(pick '[a["id"] for a in answer["data"] if (a["attributes"]["status"], a["attributes"]["course_identifier"]) == ("pending", "npq-headship")][-1]')
quietly api GET '/api/v3/delivery-partners?filter[cohort]=2025' > /dev/null
partner=$(pick 'answer["data"][0]["id"]')

say "October 2025: accepted, with a funded place"
quietly api POST "/api/v3/npq-applications/$application/accept" '{"data": {"attributes": {"funded_place": true}}}' "$(at 2025-10-06T09:00:00Z)"
show status schedule_identifier funded_place
participant=$(pick 'answer["data"]["attributes"]["participant_id"]')
email=$(pick 'answer["data"]["attributes"]["email"]')

declare_() {  # TYPE DATE MORE…
  printf '{"data": {"attributes": {"participant_id": "%s", "declaration_type": "%s", "declaration_date": "%s", "course_identifier": "npq-headship", "delivery_partner_id": "%s"%s}}}' \
    "$participant" "$1" "$2" "$partner" "${3:-}"
}

say "Started; the same request again answers the same record"
quietly api POST /api/v3/participant-declarations "$(declare_ started 2025-10-13T09:00:00Z)" "$(at 2025-10-20T09:00:00Z)"
show declaration_type state updated_at
first=$(pick 'answer["data"]["id"]')
quietly api POST /api/v3/participant-declarations "$(declare_ started 2025-10-13T09:00:00Z)" "$(at 2025-11-20T09:00:00Z)"
show declaration_type state updated_at
[ "$first" = "$(pick 'answer["data"]["id"]')" ] && echo "   the same id: $first"
say "Another date for the same milestone is refused"
api POST /api/v3/participant-declarations "$(declare_ started 2025-10-14T09:00:00Z)" "$(at 2025-11-20T09:00:00Z)"

say "March 2026: retained, then a career break, and back in May on the spring schedule"
quietly api POST /api/v3/participant-declarations "$(declare_ retained-1 2026-03-02T09:00:00Z)" "$(at 2026-03-09T09:00:00Z)"
show declaration_type state
quietly api PUT "/api/v3/participants/npq/$participant/defer" '{"data": {"attributes": {"course_identifier": "npq-headship", "reason": "career-break"}}}' "$(at 2026-03-16T09:00:00Z)"
show enrolment.training_status enrolment.schedule_identifier enrolment.deferral
quietly api PUT "/api/v3/participants/npq/$participant/resume" '{"data": {"attributes": {"course_identifier": "npq-headship"}}}' "$(at 2026-05-04T09:00:00Z)"
quietly api PUT "/api/v3/participants/npq/$participant/change-schedule" '{"data": {"attributes": {"course_identifier": "npq-headship", "schedule_identifier": "npq-leadership-spring"}}}' "$(at 2026-05-04T09:00:00Z)"
show enrolment.training_status enrolment.schedule_identifier enrolment.deferral

say "October 2026: completed with a pass, then the date of the outcome is corrected"
quietly api POST /api/v3/participant-declarations "$(declare_ completed 2026-10-01T09:00:00Z ', "has_passed": true')" "$(at 2026-10-05T09:00:00Z)"
show declaration_type state has_passed
completed=$(pick 'answer["data"]["id"]')
quietly api POST "/api/v3/participants/npq/$participant/outcomes" '{"data": {"attributes": {"course_identifier": "npq-headship", "state": "passed", "completion_date": "2026-09-28"}}}' "$(at 2026-10-06T09:00:00Z)"
show state completion_date

say "The completion was declared in error: it is voided, and the pass is taken back"
quietly api PUT "/api/v3/participant-declarations/$completed/void" '' "$(at 2026-10-07T09:00:00Z)"
show declaration_type state has_passed
quietly api GET "/api/v3/participants/npq/$participant/outcomes"
show state completion_date

say "What the participant was told"
quietly manage list_messages --to "$email" --format json
sed 1d "$work/out" | python3 -c '
import json, sys
for message in json.load(sys.stdin)["rows"]:
    print("  ", message["kind"], message["state"], message["values"].get("completion_date", ""))'
