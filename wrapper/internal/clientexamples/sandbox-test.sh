#!/usr/bin/env bash
set -euo pipefail
url=${SANDBOX_URL:-http://127.0.0.1:8787}
ask() { curl -sS --fail-with-body -H 'x-api-key: ak_sandbox' -H 'content-type: application/json' "$@"; }

# A cleared token is gone and the other field is kept.
ask -X PUT "$url/_sandbox/accounts/ca_mine" -d '{"toolkit":"github","user":"user_1","scheme":"BEARER_TOKEN",
  "alias":"work","credentials":{"token":"old","user_agent":"robot"}}'

ask -X PATCH "$url/api/v3.1/connected_accounts/ca_mine" \
  -d '{"connection":{"state":{"authScheme":"BEARER_TOKEN","val":{"token":null}}}}'

ask "$url/_sandbox/accounts/ca_mine" | grep -F '"credentials":{"user_agent":"robot"}'
ask "$url/_sandbox/requests?account=ca_mine&limit=1" | grep -F '"cleared":["token"],"kept":["alias","user_agent"]'

# A gateway's 502 may hide an update that was applied.
ask -X POST "$url/_sandbox/script" -d '{"answers":[{"fault":"502-applied"}]}'
status=$(ask -X PATCH "$url/api/v3.1/connected_accounts/ca_mine" -d '{"alias":"new"}' -o /dev/null -w '%{http_code}' || true)
[ "$status" = 502 ]
ask "$url/_sandbox/accounts/ca_mine" | grep -F '"alias":"new"'
