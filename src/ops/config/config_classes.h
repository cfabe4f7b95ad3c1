/* The sections [class NAME]. */
#ifndef NATBOX_CONFIG_CLASSES_H
#define NATBOX_CONFIG_CLASSES_H

#include <natbox/ops.h>

/* Whether a section is one of a class; with its name, which may be empty. */
bool config_section_is_class(struct text section, struct text *name);

/* Adds a class with this name. Its place in the list; -EINVAL with what is wrong in *fault: the
 * name is none, or there are classes enough. */
int config_class_add(struct settings *settings, struct text name, struct fault *fault);

/* The place of the class with this name; classes.count: there is none. */
unsigned config_class_find(const struct settings *settings, struct text name);

#endif
