/* What natboxctl top shows, on a terminal of any size. */
#ifndef NATBOX_CTL_TOP_SCREEN_H
#define NATBOX_CTL_TOP_SCREEN_H

#include "top_figures.h"

/* trouble: why figures are not of now; empty: they are. */
void screen_draw(const struct top_figures *figures, const char *trouble);

#endif
