#ifndef MOORAGE_CMD_ASK_H
#define MOORAGE_CMD_ASK_H

// For who started the program by double click: its window would be gone with the answer, so it asks for the next line
// instead. How the systems differ: only Windows starts it so (sys/term.h).

// Asks for lines and has each answered by `run`, which is given a command line ("moorage", word, ...) and gives its exit
// code, until an empty line or the end of the input. A line may be a port, a name, a pasted error or a command, with or
// without "moorage" before it. Gives the last code, or `code` where nothing was asked.
int
ask_lines(int (*run)(int argc, char **argv), int code);

#endif
