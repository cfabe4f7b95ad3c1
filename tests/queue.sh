#!/bin/bash
# The kernel side of mode queue: the tests of relay mode, and what is of that mode alone.
exec "$(dirname "$0")/relay/run" queue
