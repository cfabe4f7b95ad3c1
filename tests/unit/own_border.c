#include "own_border.h"

struct border *border;

void own_border_open(void)
{
	border = border_new();
}

void own_border_close(void)
{
	border_free(border);
}
