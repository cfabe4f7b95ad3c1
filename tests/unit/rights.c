/* Whose rights a path is opened with: root's own, or those of a user who can lead it elsewhere. */
#include "ops/rights.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USER = 65534, STRANGER = 1, GROUP_OF_ROOTS = 42 };

static const struct identity user = {.name = "user", .user = USER, .group = USER};
static char work[] = "/tmp/natbox-rights-XXXXXX";

static void make_directory(const char *path, uid_t owner, gid_t group, mode_t mode)
{
	cr_assert_eq(mkdir(path, 0700), 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(chown(path, owner, group), 0);
	cr_assert_eq(chmod(path, mode), 0);
}

static void make_file(const char *path, uid_t owner, gid_t group, mode_t mode)
{
	const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);

	cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(fchown(fd, owner, group), 0);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void make_link(const char *target, const char *path, uid_t owner)
{
	cr_assert_eq(symlink(target, path), 0);
	cr_assert_eq(lchown(path, owner, owner), 0);
}

static void setup(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root has the rights of others");
	cr_assert(mkdtemp(work) && chdir(work) == 0 && chmod(work, 0755) == 0);
	umask(022);
	make_directory("ours", 0, 0, 0755);
	make_directory("his", USER, USER, 0755);
	make_directory("everybodys", 0, 0, 01777);
}

static void cleanup(void)
{
	char command[sizeof(work) + sizeof("rm -rf ")];

	snprintf(command, sizeof(command), "rm -rf %s", work);
	cr_assert_eq(system(command), 0);
}

TestSuite(rights, .init = setup, .fini = cleanup);

static uid_t owner_of(const char *path)
{
	struct stat status;

	cr_assert_eq(lstat(path, &status), 0, "%s: %s", path, strerror(errno));
	return status.st_uid;
}

static bool leads(const char *path)
{
	char absolute[2 * PATH_MAX];

	snprintf(absolute, sizeof(absolute), "%s/%s", work, path);
	cr_expect_eq(rights_leads(&user, path), rights_leads(&user, absolute), "%s", path);
	return rights_leads(&user, absolute);
}

Test(rights, a_user_leads_what_is_in_a_directory_where_he_may_write)
{
	make_directory("his/deeper", 0, 0, 0755);
	make_directory("groups", 0, USER, 0775);
	make_directory("for-reading", 0, USER, 0755);
	make_directory("open-to-all", 0, 0, 0777);
	cr_expect(leads("his/log"));
	cr_expect(leads("his/deeper/log"));
	cr_expect(leads("groups/log"));
	cr_expect(leads("open-to-all/log"));
	cr_expect_not(leads("ours/log"));
	cr_expect_not(leads("for-reading/log"));
	cr_expect_not(leads("nowhere/log"));
}

Test(rights, where_everybody_owns_what_is_his_he_leads_that_alone)
{
	make_directory("his-for-all", USER, USER, 01777);
	make_directory("everybodys/directory", 0, 0, 0755);
	make_file("everybodys/file", 0, 0, 0644);
	make_file("everybodys/of-two-names", 0, 0, 0644);
	make_file("everybodys/his", USER, USER, 0644);
	make_file("his-for-all/file", 0, 0, 0644);
	cr_assert_eq(link("everybodys/of-two-names", "ours/other-name"), 0);
	cr_expect_not(leads("everybodys/new"));
	cr_expect_not(leads("everybodys/file"));
	cr_expect_not(leads("everybodys/directory/log"));
	cr_expect(leads("everybodys/of-two-names"), "it may be anybody's link");
	cr_expect(leads("everybodys/his"));
	cr_expect(leads("his-for-all/file"), "the directory is his");
}

Test(rights, symbolic_links_are_followed_on_the_way)
{
	char path[PATH_MAX];

	make_link("../his", "ours/to-his", 0);
	make_link("../ours/log", "everybodys/to-ours", STRANGER);
	make_link("circle", "ours/circle", 0);
	snprintf(path, sizeof(path), "%s/his/log", work);
	make_link(path, "ours/absolute", 0);
	cr_expect(leads("ours/to-his/log"));
	cr_expect(leads("ours/absolute"));
	cr_expect_not(leads("everybodys/to-ours"));
	cr_expect_not(leads("ours/circle"));
}

/* Each leads to the next, and the last to his directory. */
static void make_links(unsigned count)
{
	char path[32], target[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "ours/%u", i);
		snprintf(target, sizeof(target), "%u", i + 1);
		make_link(i + 1 < count ? target : "../his", path, 0);
	}
}

Test(rights, as_many_of_them_as_the_kernel_follows)
{
	make_links(41);
	cr_expect_not(leads("ours/0/log"));
	cr_expect_eq(rights_open(&user, "ours/0/log", O_WRONLY | O_CREAT, 0600), -ELOOP);
	cr_expect(leads("ours/1/log"));
}

Test(rights, nobody_leads_root_or_a_path_too_long_for_any_file)
{
	static char path[PATH_MAX + 8] = "his/";
	const struct identity root = {.name = "root"}, nobody = {.name = "", .user = USER};

	make_directory("roots", 0, 0, 0777);
	cr_expect_not(rights_leads(&root, "roots/log"));
	cr_expect_not(rights_leads(&nobody, "his/log"));
	cr_expect_not(rights_leads(NULL, "his/log"));
	memset(path + 4, '/', sizeof(path) - 5);
	cr_expect_not(rights_leads(&user, path));
}

static int try_to_open(const char *path)
{
	const int fd = rights_open(&user, path, O_WRONLY | O_CREAT, 0600);

	cr_expect_eq(geteuid(), 0);
	cr_expect_eq(getegid(), 0);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

Test(rights, where_he_leads_it_a_file_is_opened_as_he_may)
{
	const gid_t groups[] = {GROUP_OF_ROOTS};

	make_file("ours/secret", 0, 0, 0600);
	make_file("ours/of-roots-group", 0, 0, 0660);
	make_file("ours/of-another", 0, GROUP_OF_ROOTS, 0660);
	make_link("../ours/secret", "his/secret", USER);
	make_link("../ours/of-roots-group", "his/of-roots-group", USER);
	make_link("../ours/of-another", "his/of-another", USER);
	cr_assert_eq(setgroups(1, groups), 0);
	cr_expect_eq(try_to_open("his/of-another"), -EACCES);
	cr_expect_eq(try_to_open("his/of-roots-group"), -EACCES);
	cr_expect_eq(try_to_open("his/secret"), -EACCES);
	cr_expect_eq(try_to_open("his/log"), 0);
	cr_expect_eq(owner_of("his/log"), USER);
	cr_expect_eq(try_to_open("ours/log"), 0);
	cr_expect_eq(owner_of("ours/log"), 0);
}

Test(rights, the_last_symbolic_link_is_to_be_roots_or_natboxs_own)
{
	make_file("ours/log", 0, 0, 0600);
	make_file("his/other", USER, USER, 0600);
	make_link("log", "ours/link", 0);
	make_link("other", "his/link", USER);
	make_link("other", "his/strangers", STRANGER);
	make_link("../ours/log", "everybodys/link", STRANGER);
	cr_expect_eq(try_to_open("ours/link"), 0);
	cr_expect_eq(try_to_open("his/link"), 0);
	cr_expect_eq(try_to_open("his/strangers"), -ELOOP);
	cr_expect_eq(try_to_open("everybodys/link"), -ELOOP);
}

static void give(const char *opened, const char *named)
{
	const int fd = open(opened, O_RDWR);

	cr_assert(fd >= 0, "%s: %s", opened, strerror(errno));
	cr_expect_eq(rights_give(&user, fd, named), 0);
	close(fd);
}

Test(rights, what_is_natboxs_own_is_given)
{
	make_file("ours/log", 0, 0, 0600);
	give("ours/log", "ours/log");
	cr_expect_eq(owner_of("ours/log"), USER);
}

Test(rights, what_may_be_somebody_elses_is_not)
{
	make_file("ours/log", 0, 0, 0600);
	make_file("ours/log.1", 0, 0, 0600);
	make_file("ours/of-two-names", 0, 0, 0600);
	make_file("ours/strangers", STRANGER, STRANGER, 0600);
	make_file("his/roots", 0, 0, 0600);
	make_link("log", "ours/link", 0);
	cr_assert_eq(link("ours/of-two-names", "ours/other-name"), 0);
	cr_assert_eq(mkfifo("ours/pipe", 0600), 0);
	give("ours/log", "ours/log.1");
	give("ours/log", "ours/link");
	give("ours/of-two-names", "ours/of-two-names");
	give("ours/strangers", "ours/strangers");
	give("ours/pipe", "ours/pipe");
	give("his/roots", "his/roots");
	cr_expect_eq(owner_of("ours/log"), 0);
	cr_expect_eq(owner_of("ours/log.1"), 0);
	cr_expect_eq(owner_of("ours/of-two-names"), 0);
	cr_expect_eq(owner_of("ours/strangers"), STRANGER);
	cr_expect_eq(owner_of("ours/pipe"), 0);
	cr_expect_eq(owner_of("his/roots"), 0);
}
