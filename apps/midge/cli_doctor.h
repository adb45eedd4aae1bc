/* cli_doctor.h: the two halves of `midge doctor`. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli.h"

/* What cli_doctor found, as a table. */
void cli_doctor_print(const midge_json *found);

#endif
