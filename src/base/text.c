#include <natbox/base.h>

static inline bool is_blank(char c)
{
	const uint64_t blanks = 1ull << ' ' | 1 << '\t' | 1 << '\r' | 1 << '\n';

	return (unsigned char)c <= ' ' && blanks >> c & 1;
}

bool text_equal(struct text a, struct text b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

bool text_equal_nocase(struct text a, struct text b)
{
	if (a.length != b.length)
		return false;
	/* Nearly all write a name as its RFC does. */
	if (text_equal(a, b))
		return true;
	for (size_t i = 0; i < a.length; i++) {
		if (a.at[i] != b.at[i] && text_lower(a.at[i]) != text_lower(b.at[i]))
			return false;
	}
	return true;
}

bool text_starts_with(struct text text, struct text prefix)
{
	return text.length >= prefix.length &&
	       (prefix.length == 0 || memcmp(text.at, prefix.at, prefix.length) == 0);
}

unsigned text_find(struct text text, const char *const *names, unsigned count)
{
	unsigned at = 0;

	while (at < count && !text_equal(text, text_from(names[at])))
		at++;
	return at;
}

struct text text_trim(struct text text)
{
	const char *at = text.at, *end = text_end(text);

	while (at < end && is_blank(end[-1]))
		end--;
	while (at < end && is_blank(*at))
		at++;
	return text_between(at, end);
}

size_t text_plain(struct text text, char *out, size_t room)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;

	for (size_t i = 0; i < text.length && room - used >= 4; i++) {
		const unsigned char c = (unsigned char)text.at[i];

		if (c >= ' ' && c < 0x7f) {
			out[used++] = (char)c;
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = digits[c >> 4];
		out[used++] = digits[c & 15];
	}
	return used;
}

bool text_number(struct text text, uint32_t *number)
{
	const char *at = text.at, *end = text_end(text);
	uint64_t value = 0;

	for (; at < end && value <= UINT32_MAX; at++) {
		const unsigned digit = (unsigned char)*at - (unsigned)'0';

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	if (!text.length || value > UINT32_MAX)
		return false;
	*number = (uint32_t)value;
	return true;
}
