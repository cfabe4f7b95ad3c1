/* The log: one line a message, whatever it holds, and not too many of a kind. */
#include <natbox/ops.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/natbox-log-XXXXXX";
static char text[65536];
static struct fault fault;

static void open_log(void)
{
	close(mkstemp(path));
	cr_assert_eq(log_open(path, NULL, &fault), 0);
}

static const char *read_file(const char *name)
{
	FILE *file = fopen(name, "r");

	cr_assert(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	return text;
}

static void close_log(void)
{
	log_close();
	unlink(path);
}

static unsigned count_lines(const char *all)
{
	unsigned lines = 0;

	for (; (all = strchr(all, '\n')); all++)
		lines++;
	return lines;
}

TestSuite(log, .init = open_log, .fini = close_log);

Test(log, line_in_a_file_has_time_and_level)
{
	int end = 0;

	log_warning("%u fragments dropped", 7);
	sscanf(read_file(path),
		"%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ warning: 7 fragments dropped%n", &end);
	cr_expect_eq((size_t)end + 1, strlen(text), "%s", text);
}

Test(log, level_holds_back_what_is_less_urgent)
{
	log_debug("no");
	log_info("yes");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("no");
	log_error("yes");
	cr_expect_eq(count_lines(read_file(path)), 2);
	cr_expect_null(strstr(text, "no"));
}

Test(log, verbosity_goes_over_the_configuration_and_not_over_what_is_asked_for)
{
	log_set_verbosity(-1);
	log_configure(LOG_LEVEL_INFO);
	log_info("no");
	log_warning("yes");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("yes");
	log_set_verbosity(LOG_LEVEL_DEBUG);
	log_configure(LOG_LEVEL_ERROR);
	log_debug("yes");
	log_set_level(LOG_LEVEL_INFO);
	log_debug("no");
	cr_expect_eq(count_lines(read_file(path)), 3);
	cr_expect_null(strstr(text, "no"));
}

Test(log, answer_is_logged_whatever_the_level)
{
	log_set_level(LOG_LEVEL_ERROR);
	log_info("no");
	log_answer("yes");
	cr_expect_eq(count_lines(read_file(path)), 1);
	cr_expect(strstr(text, "info: yes\n"));
}

Test(log, control_characters_cannot_start_a_line)
{
	log_info("a\nerror: b\x1b[2J\x7f");
	cr_expect_str_eq(strstr(read_file(path), "info: "), "info: a\\x0aerror: b\\x1b[2J\\x7f\n");
}

Test(log, no_byte_is_a_control_of_any_terminal)
{
	log_info("a\x9b"
		 "2J \xc2\x9b \xe1\x9b\x9b \xc3\xa4");
	cr_expect_str_eq(strstr(read_file(path), "info: "),
		"info: a\\x9b2J \\xc2\\x9b \\xe1\\x9b\\x9b \\xc3\\xa4\n");
}

Test(log, lines_that_a_reader_does_not_take_are_counted_and_told)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t got;
	unsigned lines = 0;

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	cr_assert_eq(fcntl(ends[1], F_SETFL, 0), 0);
	log_close();
	dup2(ends[1], STDERR_FILENO);
	log_never_wait();
	for (unsigned i = 0; i < 10000; i++)
		log_info("%-100u", i);
	while ((got = read(ends[0], text, sizeof(text) - 1)) > 0) {
		text[got] = 0;
		lines += count_lines(text);
	}
	log_info("read again");
	text[read(ends[0], text, sizeof(text) - 1)] = 0;
	dup2(saved, STDERR_FILENO);
	snprintf(text + 32768, 256,
		"natbox: warning: %u lines of this log were lost: its reader does not read\n"
		"natbox: read again\n",
		10000 - lines);
	cr_expect_str_eq(text, text + 32768);
}

/* No file may grow beyond this. */
static void set_room(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
}

Test(log, half_a_line_is_ended_before_the_next)
{
	set_room(10);
	log_info("cut");
	set_room(RLIM_INFINITY);
	log_info("whole");
	cr_expect_eq(count_lines(read_file(path)), 3);
	cr_expect_eq(strcspn(text, "\n"), 10);
	cr_expect(strstr(text, "1 lines of this log were lost"), "%s", text);
	cr_expect(strstr(text, "info: whole\n"), "%s", text);
}

Test(log, long_message_is_cut_to_one_line)
{
	char message[4 * LOG_LINE_MAX];

	memset(message, '\n', sizeof(message) - 1);
	message[sizeof(message) - 1] = 0;
	log_info("%s", message);
	log_info("next");
	cr_expect_eq(count_lines(read_file(path)), 2);
	cr_expect_leq(strchr(text, '\n') - text, LOG_LINE_MAX);
}

Test(log, reopening_goes_on_in_a_new_file)
{
	char moved[64];

	snprintf(moved, sizeof(moved), "%s.1", path);
	log_info("old");
	rename(path, moved);
	log_info("still old");
	log_reopen();
	log_info("new");
	cr_expect_eq(count_lines(read_file(moved)), 2);
	cr_expect_eq(count_lines(read_file(path)), 1);
	unlink(moved);
}

Test(log, file_that_cannot_be_opened_leaves_the_log_as_it_was)
{
	cr_expect_lt(log_open("/nowhere/natbox.log", NULL, &fault), 0);
	cr_expect(strstr(fault.line, "/nowhere/natbox.log"));
	log_info("here");
	cr_expect_eq(count_lines(read_file(path)), 1);
}

Test(log, file_that_cannot_be_opened_again_is_told_where_the_log_goes_on)
{
	char moved[64];

	snprintf(moved, sizeof(moved), "%s.1", path);
	rename(path, moved);
	cr_assert_eq(mkdir(path, 0700), 0);
	log_reopen();
	rmdir(path);
	cr_expect(strstr(read_file(moved), "until then this log goes where it went\n"));
	unlink(moved);
}

Test(log, what_was_left_out_of_a_burst_that_ends_is_told_once)
{
	static struct log_limit limit, other;

	for (unsigned i = 0; i < 10; i++) {
		log_limited(&limit, 5000000 + i, LOG_LEVEL_WARNING, "refused %u", i);
		log_limited(&other, 6000000 + i, LOG_LEVEL_WARNING, "lost");
	}
	log_limits_end(6999999);
	cr_expect_null(strstr(read_file(path), "left out"));
	log_limits_end(7000000);
	cr_expect(strstr(read_file(path), "warning: 6 more like it left out: refused 3\n"));
	log_limits_end(UINT64_MAX);
	log_limits_end(UINT64_MAX);
	cr_expect(strstr(read_file(path), "6 more like it left out: lost\n"));
	cr_expect_eq(count_lines(read_file(path)), 2 * LOG_LIMIT_PER_SECOND + 2);
}

Test(log, too_many_of_a_kind_are_counted_instead)
{
	static struct log_limit limit;

	for (unsigned i = 0; i < 100; i++)
		log_limited(&limit, 5000000 + i, LOG_LEVEL_WARNING, "malformed");
	cr_expect_eq(count_lines(read_file(path)), LOG_LIMIT_PER_SECOND);
	log_limited(&limit, 6000000, LOG_LEVEL_WARNING, "malformed");
	cr_expect(strstr(read_file(path), "malformed (96 more like it left out)\n"));
	log_limited(&limit, 6000001, LOG_LEVEL_WARNING, "malformed again");
	cr_expect(strstr(read_file(path), "malformed again\n"));
}

Test(log, messages_on_standard_error_name_natbox)
{
	int saved = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_TRUNC);

	log_close();
	dup2(file, STDERR_FILENO);
	log_error("cannot open capture");
	log_warning("slow");
	dup2(saved, STDERR_FILENO);
	cr_expect_str_eq(
		read_file(path), "natbox: error: cannot open capture\nnatbox: warning: slow\n");
}

/* The journal says which stream it made of standard error. */
Test(log, line_for_the_journal_has_its_priority_and_no_other_has)
{
	int saved = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_TRUNC);
	struct stat status;
	char stream[64];

	cr_assert_eq(fstat(file, &status), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_close();
	dup2(file, STDERR_FILENO);
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	log_refusal("%s", "e\xe2\x80\x91\x1b");
	setenv("JOURNAL_STREAM", "0:1", 1);
	log_error("f");
	dup2(saved, STDERR_FILENO);
	cr_expect_str_eq(read_file(path),
		"<3>natbox: error: a\n<4>natbox: warning: b\n<6>natbox: c\n<7>natbox: debug: d\n"
		"<3>e\\xe2\\x80\\x91\\x1b\nnatbox: error: f\n");
}
