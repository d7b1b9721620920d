#include "sys/calls_win.h"

struct calls calls_made;
