#include "top_terminal.h"

#include "ctl.h"
#include "top_bars.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

int terminal_open(void)
{
	const char *name = getenv("TERM");
	int error;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return ctl_fail(CTL_USAGE, "top needs a terminal; stats, lost and events do not");
	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return ctl_fail(CTL_USAGE, "nobody knows the terminal TERM=%s; vt100 may do",
			name ? name : "");
	if (!tigetstr("cup") || !tigetstr("clear"))
		return ctl_fail(CTL_USAGE,
			"TERM=%s has no screen to draw on; stats, lost and events need none",
			name ? name : "");
	setlocale(LC_CTYPE, "");
	bars_use_blocks(strcmp(nl_langinfo(CODESET), "UTF-8") == 0 &&
			(!name || strcmp(name, "linux") != 0));
	initscr();
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors() && start_color() == OK && use_default_colors() == OK)
		init_pair(TOP_ALARM_COLOUR, COLOR_RED, -1);
	return CTL_DONE;
}

void terminal_close(void)
{
	endwin();
}

bool terminal_listen(bool *is_stale)
{
	int key;

	while ((key = getch()) != ERR) {
		if (key == 'q' || key == 'Q')
			return false;
		if (key == KEY_RESIZE || key == 'L' - '@') {
			clearok(stdscr, TRUE);
			*is_stale = true;
		}
	}
	return true;
}
