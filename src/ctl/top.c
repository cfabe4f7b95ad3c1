#include "ctl.h"
#include "top_figures.h"
#include "top_screen.h"

#include <natbox/base.h>

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <term.h>
#include <time.h>
#include <unistd.h>

enum {
	REFRESH_MS = 1000,
	/* A natbox that is busy answers later; one that has not for so long is said to. */
	PATIENCE_MS = 3000,
	/* Who is lost is asked for so many times more seldom than it takes to tell: with a million
	 * of them a list is work. */
	LOST_PAUSES = 20,
};

/* What is asked for in a second, one after the other. */
enum question { ASK_NOTHING, ASK_STATUS, ASK_STATS, ASK_LOST };

struct top {
	const struct ctl *ctl;
	struct top_figures figures;
	struct feed answers, events;
	enum question question; /* that is being answered */
	uint64_t next_ms;       /* of the next second */
	uint64_t asked_ms, heard_ms;
	uint64_t lost_next_ms;
	bool is_stale;   /* the screen is */
	bool has_failed; /* what was answered was a refusal */
	char trouble[TOP_TEXT_MAX];
};

static volatile sig_atomic_t is_over;

static void on_end(int number)
{
	(void)number;
	is_over = 1;
}

static uint64_t now_ms(void)
{
	return clock_us(CLOCK_BOOTTIME) / 1000;
}

static void ask(struct top *top, enum question question)
{
	static const char *const requests[] = {
		[ASK_STATUS] = "status\n", [ASK_STATS] = "stats\n", [ASK_LOST] = "lost\n"};

	top->question = question;
	top->asked_ms = top->heard_ms = now_ms();
	if (question)
		link_say(top->answers.fd, requests[question]);
	else
		top->is_stale = true;
}

/* Who is lost is asked for where there is somebody, and it is time. */
static void ask_next(struct top *top)
{
	const uint64_t now = now_ms();

	if (top->question == ASK_STATUS)
		ask(top, ASK_STATS);
	else if (top->question == ASK_STATS && top->figures.sizes[TOP_LOST] &&
		 now >= top->lost_next_ms)
		ask(top, ASK_LOST);
	else
		ask(top, ASK_NOTHING);
}

static void end_answer(struct top *top)
{
	const uint64_t now = now_ms();

	if (top->question == ASK_LOST) {
		top->lost_next_ms = now + (now - top->asked_ms) * LOST_PAUSES;
		figures_end_lost(&top->figures);
	}
	*top->trouble = 0;
	ask_next(top);
}

/* Whether it was, and why that is to be shown. */
static bool was_refused(struct top *top, const json_t *line)
{
	if (!json_object_get(line, "failed"))
		return false;
	snprintf(top->trouble, sizeof(top->trouble), "%s", text_of(line, "failed"));
	top->has_failed = true;
	return true;
}

static void on_answer(void *context, const json_t *line)
{
	struct top *top = context;

	top->heard_ms = now_ms();
	if (was_refused(top, line))
		return;
	if (json_object_get(line, "done"))
		end_answer(top);
	else if (top->question == ASK_STATUS)
		figures_take_status(&top->figures, line);
	else if (top->question == ASK_STATS)
		figures_take_stats(&top->figures, line, top->heard_ms);
	else if (top->question == ASK_LOST)
		figures_take_lost(&top->figures, line);
}

static void on_event(void *context, const json_t *line)
{
	struct top *top = context;

	if (!was_refused(top, line))
		figures_take_event(&top->figures, line);
}

static void disconnect(struct top *top)
{
	feed_close(&top->answers);
	feed_close(&top->events);
	figures_forget(&top->figures);
	top->question = ASK_NOTHING;
	top->is_stale = true;
}

/* What there is to say where it was not told by natbox itself. */
static void note_absence(struct top *top, int error)
{
	const char *what = "no natbox answers";

	if (error == EACCES || error == EPERM)
		what = "you may not control the natbox";
	else if (error == EAGAIN)
		what = "natbox does not answer";
	snprintf(top->trouble, sizeof(top->trouble), "%s on %s", what, top->ctl->socket);
}

/* 0 or an errno. */
static int connect_feeds(struct top *top)
{
	int error = 0;

	if (!feed_open(&top->answers, top->ctl) || !feed_open(&top->events, top->ctl))
		error = errno;
	if (error) {
		note_absence(top, error);
		disconnect(top);
		return error;
	}
	link_say(top->events.fd, "events\n");
	return 0;
}

/* Once a second: asks anew, where what was asked for last has been answered. */
static void begin_second(struct top *top)
{
	const uint64_t now = now_ms();

	top->next_ms = now + REFRESH_MS;
	if (top->answers.fd < 0 && connect_feeds(top) != 0)
		return;
	if (top->question == ASK_NOTHING) {
		ask(top, ASK_STATUS);
		return;
	}
	if (now - top->heard_ms < PATIENCE_MS)
		return;
	note_absence(top, EAGAIN);
	top->is_stale = true;
}

static void read_feed(
	struct top *top, struct feed *feed, void (*take)(void *context, const json_t *line))
{
	top->has_failed = false;
	if (feed_read(feed, take, top) && !top->has_failed)
		return;
	if (!top->has_failed)
		note_absence(top, ECONNRESET);
	disconnect(top);
}

/* False: the terminal has gone. */
static bool wait_for_news(struct top *top)
{
	const uint64_t now = now_ms();
	struct pollfd polled[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = top->answers.fd, .events = POLLIN},
		{.fd = top->events.fd, .events = POLLIN},
	};

	if (poll(polled, 3, top->next_ms > now ? (int)(top->next_ms - now) : 0) <= 0)
		return true;
	if (polled[1].revents)
		read_feed(top, &top->answers, on_answer);
	if (polled[2].revents && top->events.fd >= 0)
		read_feed(top, &top->events, on_event);
	return !(polled[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Sets the terminal up. What cannot be was said: the exit status then, else CTL_DONE. */
static int open_terminal(void)
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
	screen_use_blocks(strcmp(nl_langinfo(CODESET), "UTF-8") == 0 &&
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

/* Takes what was typed. False: it was q. *is_stale: all has to be drawn again. */
static bool listen_to_keys(bool *is_stale)
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

static void run(struct top *top)
{
	do {
		if (now_ms() >= top->next_ms)
			begin_second(top);
		if (top->is_stale)
			screen_draw(&top->figures, top->trouble);
		top->is_stale = false;
	} while (wait_for_news(top) && listen_to_keys(&top->is_stale) && !is_over);
}

int top_run(const struct ctl *ctl)
{
	const struct sigaction action = {.sa_handler = on_end};
	static struct top top = {.answers.fd = -1, .events.fd = -1};
	int error, status;

	if (ctl->is_json)
		return ctl_fail(
			CTL_USAGE, "top draws a screen, and has no -j; stats, lost and events do");
	top.ctl = ctl;
	error = connect_feeds(&top);
	status = error ? link_explain(ctl, error) : open_terminal();
	if (status == CTL_DONE) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
		run(&top);
		endwin();
	}
	disconnect(&top);
	return status;
}
