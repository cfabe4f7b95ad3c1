#include "capture.h"

#include "capture_source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies what cannot be rewound to a temporary file without a name, which goes with its last user.
 * Takes over in. */
static int spool(const char *name, FILE *in, FILE **out, struct fault *fault)
{
	FILE *copy = tmpfile();
	char bytes[65536];
	size_t length;
	int error;

	if (!copy) {
		error = errno;
		fclose(in);
		return fault_set(fault, -error,
			"cannot keep a copy of %s in a temporary file: %s; make room or give a "
			"file",
			name, strerror(error));
	}
	while ((length = fread(bytes, 1, sizeof(bytes), in)) > 0) {
		if (fwrite(bytes, 1, length, copy) != length)
			break;
	}
	error = ferror(in) || ferror(copy) || fflush(copy) ? errno : 0;
	fclose(in);
	if (error) {
		fclose(copy);
		return fault_set(fault, -error,
			"cannot copy %s to a temporary file: %s; make room or give a file", name,
			strerror(error));
	}
	*out = copy;
	return 0;
}

static int open_file(const char *path, FILE **file, struct fault *fault)
{
	FILE *in = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "rb") : fopen(path, "rbe");
	struct stat status;

	if (!in || fstat(fileno(in), &status)) {
		const int error = errno;

		if (in)
			fclose(in);
		return fault_set(fault, -error,
			"cannot open %s: %s; name a capture that can be read", path,
			strerror(error));
	}
	/* A device such as /dev/zero has no end. */
	if (S_ISDIR(status.st_mode) || S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
		fclose(in);
		return fault_set(fault, -EISDIR,
			"cannot read %s: it is a %s; name a pcap or pcapng file", path,
			S_ISDIR(status.st_mode) ? "directory" : "device");
	}
	if (!S_ISREG(status.st_mode))
		return spool(path, in, file, fault);
	*file = in;
	return 0;
}

static bool is_empty(FILE *file)
{
	struct stat status;

	return fstat(fileno(file), &status) == 0 && status.st_size == 0;
}

/* A stream of pcap's own from the start of file, so that closing it leaves ours. NULL with
 * errno. */
static FILE *reopen(FILE *file)
{
	const int fd = dup(fileno(file));
	FILE *again = fd < 0 ? NULL : fdopen(fd, "rb");

	if (again)
		rewind(again);
	else if (fd >= 0)
		close(fd);
	return again;
}

/* The stream that pcap is to read. NULL with errno. */
static FILE *start_over(struct capture *capture)
{
	FILE *file = reopen(capture->file), *stream;

	if (!file || !blocks_are_in(file))
		return file;
	stream = blocks_open(file, &capture->blocks);
	if (!stream)
		fclose(file);
	return stream;
}

int capture_rewind(struct capture *capture, struct fault *fault)
{
	static const uint8_t seed[16] = "same every time";
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *file;

	if (capture->pcap)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
	capture->blocks = NULL;
	file = start_over(capture);
	if (!file)
		return fault_set(fault, -errno, "cannot read %s from its start: %s", capture->name,
			strerror(errno));
	capture->pcap =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_MICRO, why);
	if (capture->pcap)
		return capture_decode(capture, seed, fault);
	fclose(file);
	capture->blocks = NULL;
	if (is_empty(capture->file))
		return fault_set(fault, -ENODATA,
			"cannot read %s: it is empty; name a pcap or pcapng file", capture->name);
	return fault_set(fault, -EBADMSG, "cannot read %s: %s; name a pcap or pcapng file",
		capture->name, why);
}

int capture_open_file(const char *path, struct capture **capture, struct fault *fault)
{
	struct capture *opened = capture_new(strcmp(path, "-") == 0 ? "standard input" : path);
	int error;

	if (!opened)
		return fault_set(fault, -ENOMEM, "cannot read %s: out of memory", path);
	error = open_file(path, &opened->file, fault);
	if (!error)
		error = capture_rewind(opened, fault);
	if (error) {
		capture_close(opened);
		return error;
	}
	*capture = opened;
	return 0;
}
