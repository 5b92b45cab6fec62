/** Prints the C header of the program format; run by guests/workload/Makefile. */
import { cHeader } from './c-header.ts';

process.stdout.write(cHeader());
