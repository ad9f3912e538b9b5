#!/usr/bin/env bash
# From contract terms to a payment and back, with figures that can be checked by hand.
source "$(dirname "$0")/lib.sh"
TOKEN=$LLSE
at() { printf 'X-With-Server-Date: %s' "$1"; }
as() { manage "$@" --apply --actor finance --reason "tour"; }

say "Terms: 1,237.00 for each of 30 participants; 60 % in 4 payments, 40 % as a service fee over 24 statements"
cat > "$work/contracts.csv" <<'CSV'
lead_provider,cohort,course_identifier,recruitment_target,per_participant,service_fee_installments,special_course,monthly_service_fee,effective_month
llse,2025,npq-headship,30,1237.00,24,false,,
CSV
cat > "$work/statements.csv" <<'CSV'
lead_provider,cohort,year,month,deadline_date,payment_date,output_fee
llse,2025,2026,1,2025-12-25,2026-01-25,true
llse,2025,2026,3,2026-02-25,2026-03-25,true
CSV
cat "$work/contracts.csv" "$work/statements.csv"
as load_contracts "$work/contracts.csv" | cut -c 1-150
as load_statements "$work/statements.csv"

say "Somebody applies, is accepted and starts"
id=$(python3 -c 'import uuid; print(uuid.uuid4())')
person=$(python3 -c 'import uuid; print(uuid.uuid4())')
TOKEN=$REGISTRATION api POST /api/registration/v1/applications "{\"id\": \"$id\", \"participant_id\": \"$person\", \"full_name\": \"Noor Castellane\", \"email\": \"noor.castellane@example.org\", \"course_identifier\": \"npq-headship\", \"lead_provider\": \"llse\", \"cohort\": 2025, \"eligible_for_funding\": true, \"teacher_catchment\": \"scotland\"}"
quietly api POST "/api/v3/npq-applications/$id/accept" '{"data": {"attributes": {"funded_place": true}}}' "$(at 2025-10-06T09:00:00Z)"
show full_name status funded_place
quietly api POST /api/v3/participant-declarations "{\"data\": {\"attributes\": {\"participant_id\": \"$person\", \"declaration_type\": \"started\", \"declaration_date\": \"2025-10-13T09:00:00Z\", \"course_identifier\": \"npq-headship\"}}}" "$(at 2025-10-20T09:00:00Z)"
show declaration_type state
declaration=$(pick 'answer["data"]["id"]')
statement=$(pick 'answer["data"]["attributes"]["statement_id"]')
quietly api GET "/api/v3/participant-declarations/$declaration/payment"
show payable amount targeted_delivery_funding reasons

say "The night after the deadline the statement turns payable; it is authorised at the total that was seen"
manage mark_statements_payable --as-of 2025-12-26 --apply --actor nightly --reason "tour" | grep -e manage -e llse -e result
quietly api GET "/api/v3/statements/$statement/payment"
show state output_payment service_fee clawback total
manage authorise_statement "$statement" --expect-total 1.00 --apply --actor finance --reason "tour"
as authorise_statement "$statement" --expect-total "$(pick 'answer["data"]["attributes"]["total"]')"
quietly api GET "/api/v3/statements/$statement/payment"
show state frozen total

say "The start was declared in error: what was paid is taken back on the next statement"
quietly api PUT "/api/v3/participant-declarations/$declaration/void" '' "$(at 2026-01-26T09:00:00Z)"
show state statement_id clawback_statement_id
next=$(pick 'answer["data"]["attributes"]["clawback_statement_id"]')
manage show_statement "$next"
quietly api GET "/api/v3/statements/$next/declarations"
show declaration_type state kind amount
manage check_invariants | tail -n 1
