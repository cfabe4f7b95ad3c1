/* Room in the kernel's buffers of a socket: as many bytes as are asked for, or as many as the
 * system allows (net.core.rmem_max, net.core.wmem_max) to who does not administer the host as a
 * whole, as in a container with users of its own. */
#ifndef NATBOX_SOCKET_BUFFERS_H
#define NATBOX_SOCKET_BUFFERS_H

void socket_buffer_in(int socket, int size);
void socket_buffer_out(int socket, int size);

#endif
