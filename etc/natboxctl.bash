# shellcheck shell=bash
# bash completion for natboxctl(8). Its options and commands are those that it shows itself.
_natboxctl()
{
	local word=$2 command=${COMP_WORDS[1]} words i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		command=${COMP_WORDS[i]}
		case $command in
		-s | --socket) ((i++)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	case $3 in
	-s | --socket | -w)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	-t | -c | -k)
		return ;;
	esac
	if ((i >= COMP_CWORD)); then
		words=$("$1" -h 2>/dev/null | sed -nE 's/^  (-., )?((--)?[a-z]+).*/\1 \2/p' | tr -d ,)
	else
		case $command in
		endpoints | lost)
			compopt -o nospace
			words='network= proxy= aor= reason= class= lost quiet\\\>' ;; # as the shell wants it
		keepalive) words='on off' ;;
		log) words='error warning info debug' ;;
		flush) words=all ;;
		share) words=yield ;;
		events) words=-k ;;
		trace) words='-w -t -c' ;;
		*) words= ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _natboxctl natboxctl
