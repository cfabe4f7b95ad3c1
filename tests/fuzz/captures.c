/* Fuzzer of capture files, pcap and pcapng: read twice, a file gives the same datagrams, and
 * ends. */
#include <wire/capture/capture.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* A frame is at least 16 bytes of a file. */
static unsigned count(struct capture *capture, size_t size)
{
	struct datagram datagram;
	struct fault fault;
	unsigned datagrams = 0, bytes = 0;

	while (capture_next(capture, &datagram, &fault) == 1) {
		for (size_t i = 0; i < datagram.bytes.length; i++)
			bytes += (unsigned char)datagram.bytes.at[i];
		expect(++datagrams <= size / 16);
	}
	return datagrams + bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture *capture;
	struct fault fault;
	char path[64];
	unsigned first;

	expect(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (capture_open_file(path, &capture, &fault) == 0) {
		first = count(capture, size);
		if (capture_rewind(capture, &fault) == 0)
			expect(count(capture, size) == first);
		capture_close(capture);
	}
	close(fd);
	return 0;
}
