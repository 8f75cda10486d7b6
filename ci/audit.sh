#!/usr/bin/env bash
# The audit of the action: MODELS, PROFILE, ARGUMENTS and SARIF come from the environment, each entry on a line, and BELOW
# says where in the checkout it runs.
# It always succeeds and leaves the exit code for the last step, so that the report is uploaded before the job fails.
set -uo pipefail

lines() { while IFS= read -r line; do [ -n "$line" ] && printf '%s\0' "$line"; done <<<"$1"; }
mapfile -d '' -t models < <(lines "${MODELS:-}")
mapfile -d '' -t arguments < <(lines "${ARGUMENTS:-}")
[ -n "${PROFILE:-}" ] && arguments+=(--profile "$PROFILE")

rm -f -- "$SARIF" # one from before would look like a result
PATH="${RUNNER_TEMP:-}/safecheck/bin:$PATH" safecheck audit --quiet --output text --output "sarif=$SARIF" \
  "${arguments[@]}" -- "${models[@]}"
code=$?
# no report, no pass: --help among the arguments also ends with 0
[ "$code" -eq 0 ] && [ ! -s "$SARIF" ] && code=3

case "$code" in 0) verdict=compliant ;; 1) verdict=non-compliant ;; 3) verdict=inconclusive ;; *) verdict=none ;; esac
printf 'exit-code=%s\nverdict=%s\n' "$code" "$verdict" >>"$GITHUB_OUTPUT"
below="${BELOW:-.}"
[ -s "$SARIF" ] && case "$SARIF" in /*) ;; *) [ "$below" = . ] || SARIF="$below/$SARIF" ;; esac &&
  printf 'sarif=%s\n' "${SARIF//$'\n'/}" >>"$GITHUB_OUTPUT"
exit 0
