/* Bars of characters on the screen, for natboxctl top. */
#ifndef NATBOX_CTL_TOP_BARS_H
#define NATBOX_CTL_TOP_BARS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the terminal has the block elements of Unicode; else bars are of ASCII. */
void bars_use_blocks(bool has_blocks);

/* From the first column on, one bar a value, so many columns wide of which the last are a gap. The
 * highest value has the whole height; each that is not 0 is to be seen. */
void bars_draw(int line, int height, int width, int gap, const uint64_t *values, unsigned count);

#endif
