#include "tell.h"

#include <stdarg.h>

enum { PAUSE_INSPECTIONS = 60 };

void tell(const struct wire *wire, enum wire_notice notice, const char *format, ...)
{
	char line[WIRE_LINE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	wire->handler.notice(wire->handler.context, notice, line);
}

uint64_t growth_to_tell(struct growth *growth, uint64_t now)
{
	const uint64_t more = now - growth->told;

	if (growth->pause)
		growth->pause--;
	if (growth->pause || !more)
		return 0;
	*growth = (struct growth){now, PAUSE_INSPECTIONS};
	return more;
}

void tell_growth(const struct wire *wire, uint64_t now, struct growth *growth, const char *what)
{
	const uint64_t more = growth_to_tell(growth, now);

	if (more)
		tell(wire, WIRE_WARNING, "%llu datagrams %s", (unsigned long long)more, what);
}
