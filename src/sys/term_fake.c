#include "sys/term.h"

#include "sys/fake_host.h"

// A number of the environment; 0 when it is none.
static size_t
number_of(const char *name)
{
    const char *text = fake_host_variable(name);
    uint64_t number;

    return str_to_u64(str_of(text), 10, &number) && number <= 10000 ? (size_t)number : 0;
}

void
term_begin(void)
{
    // Neither a console nor signals here.
}

void
term_end(void)
{
    // Nothing was taken.
}

// MOORAGE_FAKE_COLUMNS makes it a terminal of that width.
bool
term_output_is_terminal(void)
{
    return number_of("MOORAGE_FAKE_COLUMNS") > 0;
}

bool
term_error_is_terminal(void)
{
    return number_of("MOORAGE_FAKE_COLUMNS") > 0;
}

bool
term_input_is_terminal(void)
{
    return number_of("MOORAGE_FAKE_COLUMNS") > 0;
}

// MOORAGE_FAKE_OWN_CONSOLE says so.
bool
term_is_own_console(void)
{
    return str_of(fake_host_variable("MOORAGE_FAKE_OWN_CONSOLE")).len > 0;
}

size_t
term_width(void)
{
    size_t columns = number_of("COLUMNS");
    size_t width = number_of("MOORAGE_FAKE_COLUMNS");

    return columns > 0 ? columns : width > 0 ? width : 80;
}

size_t
term_height(void)
{
    size_t lines = number_of("LINES");

    return lines > 0 ? lines : 24;
}

bool
term_wants_colour(void)
{
    const char *no_colour = fake_host_variable("NO_COLOR");

    return term_output_is_terminal() && str_of(no_colour).len == 0 &&
           !str_equal(str_of(fake_host_variable("TERM")), STR("dumb"));
}

bool
term_write(struct str text, struct err *err)
{
    return fake_host_print(text, false) || err_set(err, ERR_GONE, 0, "write the answer: nobody reads it");
}

bool
term_write_error(struct str text)
{
    return fake_host_print(text, true);
}

struct str
term_environment(const char *name, bool *present)
{
    const char *value = fake_host_variable(name);

    if (present)
        *present = value != NULL;
    return str_of(value);
}
