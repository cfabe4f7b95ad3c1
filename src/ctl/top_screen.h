/* What natboxctl top shows, on a terminal of any size. */
#ifndef NATBOX_CTL_TOP_SCREEN_H
#define NATBOX_CTL_TOP_SCREEN_H

#include "top_figures.h"

enum { TOP_ALARM_COLOUR = 1 }; /* the pair of colours, where there are colours */

/* Whether the terminal has the block elements of Unicode, for bars; else they are of ASCII. */
void screen_use_blocks(bool has_blocks);

/* trouble: why figures are not of now; empty: they are. */
void screen_draw(const struct top_figures *figures, const char *trouble);

#endif
