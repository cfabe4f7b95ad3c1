# The lab, in one line for whoever wants it: . tools/lab.d/lab.sh
# shellcheck shell=bash
if [ "$(id -u)" != 0 ]; then
	exec sudo --preserve-env=LAB,LAB_QUIET,NATBOX,NATBOXCTL,RELAY_MODE,TMPDIR "$0" "$@"
fi
# baresip dies of a fault now and then when it is ended; nobody wants its memory in a file.
ulimit -c 0
lab_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for lab_part in hosts network proxy phones baresip softphones calls media natbox borders outage \
	restart ghosts watching verdict; do
	# shellcheck source=/dev/null
	. "$lab_root/tools/lab.d/$lab_part.sh"
done
unset lab_part
