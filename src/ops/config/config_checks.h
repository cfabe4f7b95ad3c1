/* What the keys of a configuration have to be together. */
#ifndef NATBOX_CONFIG_CHECKS_H
#define NATBOX_CONFIG_CHECKS_H

#include "config_reading.h"

/* Adds what is wrong to the errors: of classes; and where there was no other error, of the ports,
 * marks and table of relay mode, unless nothing is opened. */
void config_check(struct reading *reading);

#endif
