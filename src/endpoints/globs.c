#include <natbox/endpoints.h>

static bool is_same(struct text text, size_t at, char wanted, size_t folded)
{
	return text.at[at] == wanted ||
	       (at >= folded && text_lower(text.at[at]) == text_lower(wanted));
}

/* Of two stars only the last can have taken too little: what stands before it fits. */
static bool glob_fits(struct text glob, struct text text, size_t folded)
{
	size_t in_glob = 0, in_text = 0, after_star = 0, taken = 0;

	while (in_text < text.length) {
		const bool more = in_glob < glob.length;

		if (more && glob.at[in_glob] == '*') {
			after_star = ++in_glob;
			taken = in_text;
		} else if (more && (glob.at[in_glob] == '?' ||
					   is_same(text, in_text, glob.at[in_glob], folded))) {
			in_glob++;
			in_text++;
		} else if (after_star) {
			in_glob = after_star;
			in_text = ++taken;
		} else {
			return false;
		}
	}
	while (in_glob < glob.length && glob.at[in_glob] == '*')
		in_glob++;
	return in_glob == glob.length;
}

static bool next_glob(struct text *globs, struct text *glob)
{
	const char *end = text_end(*globs), *comma;

	if (!globs->length)
		return false;
	comma = memchr(globs->at, ',', globs->length);
	*glob = text_trim(text_between(globs->at, comma ? comma : end));
	*globs = text_between(comma ? comma + 1 : end, end);
	return true;
}

static struct text cut(struct text text)
{
	if (text.length > CLASS_TEXT_MAX)
		text.length = CLASS_TEXT_MAX;
	return text;
}

bool globs_fit(struct text globs, struct text text, size_t folded)
{
	struct text glob;

	while (next_glob(&globs, &glob)) {
		if (glob_fits(glob, cut(text), folded))
			return true;
	}
	return false;
}

/* Takes off "sip:" or "sips:", with which *scheme is set; else that is empty. */
static struct text without_scheme(struct text text, struct text *scheme)
{
	const struct text schemes[] = {TEXT("sips:"), TEXT("sip:")};

	*scheme = (struct text){0};
	for (unsigned i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		const size_t length = schemes[i].length;

		if (text.length >= length &&
			text_equal_nocase((struct text){text.at, length}, schemes[i])) {
			*scheme = schemes[i];
			return text_between(text.at + length, text_end(text));
		}
	}
	return text;
}

bool globs_fit_aor(struct text globs, struct text aor)
{
	struct text scheme, wanted, glob;
	const struct text rest = cut(without_scheme(aor, &scheme));
	const char *at = rest.length ? memrchr(rest.at, '@', rest.length) : NULL;
	const size_t folded = at ? (size_t)(at - rest.at) : 0;

	while (next_glob(&globs, &glob)) {
		glob = without_scheme(glob, &wanted);
		if ((!wanted.length || text_equal(wanted, scheme)) && glob_fits(glob, rest, folded))
			return true;
	}
	return false;
}
