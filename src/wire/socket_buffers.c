#include "socket_buffers.h"

#include <sys/socket.h>

static void ask(int socket, int unbounded, int bounded, int size)
{
	if (setsockopt(socket, SOL_SOCKET, unbounded, &size, sizeof(size)) < 0)
		setsockopt(socket, SOL_SOCKET, bounded, &size, sizeof(size));
}

void socket_buffer_in(int socket, int size)
{
	ask(socket, SO_RCVBUFFORCE, SO_RCVBUF, size);
}

void socket_buffer_out(int socket, int size)
{
	ask(socket, SO_SNDBUFFORCE, SO_SNDBUF, size);
}
