#include "top_bars.h"

#include <curses.h>

/* Of one character. */
enum { LEVELS = 8 };

static const char *const blocks[LEVELS + 1] = {
	" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const plain[LEVELS + 1] = {" ", "_", ".", ":", "-", "=", "+", "*", "#"};
static const char *const *levels = plain;

void bars_use_blocks(bool has_blocks)
{
	levels = has_blocks ? blocks : plain;
}

static unsigned level_of(uint64_t value, uint64_t most, unsigned all)
{
	if (!value)
		return 0;
	return 1 + (unsigned)((double)value / (double)most * (all - 1));
}

static void draw_bar(int line, int height, int column, int width, unsigned level)
{
	for (int i = 0; i < height; i++) {
		const unsigned below = (unsigned)(height - 1 - i) * LEVELS;
		const unsigned here = level > below ? level - below : 0;

		for (int j = 0; here && j < width && line + i < LINES && column + j < COLS; j++)
			mvaddstr(line + i, column + j, levels[here < LEVELS ? here : LEVELS]);
	}
}

void bars_draw(int line, int height, int width, int gap, const uint64_t *values, unsigned count)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < count; i++)
		most = values[i] > most ? values[i] : most;
	for (unsigned i = 0; i < count; i++)
		draw_bar(line, height, (int)i * width, width - gap,
			level_of(values[i], most, (unsigned)height * LEVELS));
}
