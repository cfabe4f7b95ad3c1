#!/bin/bash
# What promtool says of etc/natbox.rules.yml and what is expected of it, of the dashboard's queries and
# of the figures of a running natbox. Not among the suites that tests/run takes by itself: promtool is
# in Debian's package prometheus, which is large.
#
#     PROMTOOL=/path/to/promtool tests/run alerts
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=NATBOX,TMPDIR,PROMTOOL "$0" "$@"
set -u
cd "$(dirname "$0")/.." || exit 1
make -s natbox || exit 1
. tests/loopback.bash
promtool=${PROMTOOL:-promtool}
: >"$work/log"

"$promtool" check rules etc/natbox.rules.yml
say $? "the alerts are rules that Prometheus takes"
"$promtool" test rules tests/alerts/natbox.rules.test.yml
say $? "each fires where it should, and nowhere else"

# As rules: what is parsed is the same.
{
	printf 'groups:\n  - name: dashboard\n    rules:\n'
	sed -n 's/^ *"expr": "\(.*\)",$/\1/p' etc/grafana-natbox.json | awk '{
		gsub(/\\"/, "\""); gsub(/\$__rate_interval/, "5m")
		print "      - {record: query" NR ", expr: \047" $0 "\047}"
	}'
} >"$work/queries.yml"
"$promtool" check rules "$work/queries.yml" && grep -q query20 "$work/queries.yml"
say $? "the dashboard asks what Prometheus understands"

loopback_up 203.0.113.1 || exit 1
ip netns exec "$namespace" "$natbox" -c /dev/null -o natbox.proxy=203.0.113.1:5060 -o natbox.interface=lo \
	-o natbox.user= -o control.socket= -o state.path= -o metrics.listen=127.0.0.1:9560 -l "$work/log" &
pid=$!
eventually logged ready && ip netns exec "$namespace" curl -s http://127.0.0.1:9560/metrics >"$work/metrics" &&
	"$promtool" check metrics <"$work/metrics"
say $? "the figures are what Prometheus expects of figures"
