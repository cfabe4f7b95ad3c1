/* Preloaded, it has a process interrupted just before it reads the first line. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>

ssize_t __getdelim(char **line, size_t *size, int delimiter, FILE *stream)
{
	static int is_interrupted;
	ssize_t (*get)(char **, size_t *, int, FILE *) = dlsym(RTLD_NEXT, "__getdelim");

	if (!is_interrupted++)
		raise(SIGINT);
	return get(line, size, delimiter, stream);
}
