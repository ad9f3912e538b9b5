#!/usr/bin/env bash
# From a file of applications to a provider's decisions, with one wrong request of each kind.
source "$(dirname "$0")/lib.sh"
TOKEN=$AMBITION

say "10,000 applications arrive as a file; four rows have mistakes in them"
python3 docs/tour/make_applications.py 10000 > "$work/applications.jsonl"
echo '$ python3 docs/tour/make_applications.py 10000 > applications.jsonl'
quietly manage import_applications "$work/applications.jsonl" --apply --actor ops --reason "tour"
echo '  …'
tail -n 6 "$work/out" | cut -c 1-150

say "What the provider sees of them"
quietly api GET '/api/v3/npq-applications?filter[cohort]=2025&sort=-created_at&page[per_page]=2'
show full_name course_identifier status eligible_for_funding cohort
mine=$(pick 'answer["data"][0]["id"]')
other=$(pick 'answer["data"][1]["id"]')

say "Wrong requests, and what they answer"
TOKEN=wrong api GET '/api/v3/npq-applications'
api GET '/api/v3/npq-applications/00000000-0000-4000-8000-000000000000'
api PATCH "/api/v3/npq-applications/$mine"
api GET '/api/v3/npq-applications?filter[updated_since]=yesterday'
api GET '/api/v3/npq-applications?page[page]=0'
api POST "/api/v3/npq-applications/$mine/accept" '{"data": {'
api POST "/api/v3/npq-applications/$mine/accept" '{"data": {"attributes": {"funded": true}}}'
api POST "/api/v3/npq-applications/$mine/accept"

say "Accept one, with a funded place; a second time it is refused"
quietly api POST "/api/v3/npq-applications/$mine/accept" '{"data": {"type": "npq-application-accept", "attributes": {"funded_place": true}}}'
show status funded_place schedule_identifier
api POST "/api/v3/npq-applications/$mine/accept" '{"data": {"attributes": {"funded_place": true}}}'
quietly api PUT "/api/v3/npq-applications/$mine/change-funded-place" '{"data": {"attributes": {"funded_place": false}}}'
show status funded_place

say "Reject another"
quietly api POST "/api/v3/npq-applications/$other/reject"
show status reason_for_rejection
