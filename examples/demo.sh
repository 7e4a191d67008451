#!/usr/bin/env bash
# What the product does: a design checked, the module it becomes, three runs in virtual time.
set -euo pipefail
cd "$(dirname "$0")"

design=purchase-approval.json
order='{"tenant_id": 1, "applicant": "li.na", "order_id": "4711", "amount": 26000}'
at=2026-03-02T09:00:00Z

say() { printf '\n\033[1m%s\033[0m\n\n' "$*"; }
[ -t 1 ] || say() { printf '\n== %s\n\n' "$*"; }

# Prints a command as one would type it, then runs it.
try() {
    printf '$'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_@%+=:,./-]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

say "A purchase approval, as it was drawn: is it sound?"
try proflow check "$design"

say "The Python it becomes"
try proflow compile "$design"

say "Approved: the manager takes two hours, the directors a day"
try proflow run "$design" --at "$at" --data "$order" \
    --answer manager=approved@+2h --answer directors=approved@+1d

say "Rejected by the directors"
try proflow run "$design" --at "$at" --data "$order" \
    --answer manager=approved@+2h --answer directors=rejected@+1d

say "Nobody answers: the manager's 24 hours pass"
try proflow run "$design" --at "$at" --data "$order" --target generated
