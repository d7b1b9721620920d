#include "cmd/ask.h"

#include "sys/fake_host.h"
#include "tap.h"

// What the callback was given, a line each.
static struct buf asked;
static int next_code;

static int
note_line(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        buf_addf(&asked, "%s%s", i ? "|" : "", argv[i]);
    buf_add_byte(&asked, '\n');
    return next_code;
}

// Asks where these lines are typed, "|" between them; what was shown.
static struct str
ask(struct arena *arena, const char *answers, int *code)
{
    static struct buf shown;
    CHECK(fake_host_load(STR("{\"schema\": \"moorage.snapshot/1\", \"platform\": \"windows\"}"), NULL));
    shown = (struct buf){.arena = arena};
    asked = (struct buf){.arena = arena};
    fake_host_environment("MOORAGE_FAKE_ANSWERS", answers);
    fake_host_capture(&shown, NULL);
    *code = ask_lines(note_line, *code);
    fake_host_capture(NULL, NULL);
    fake_host_environment("MOORAGE_FAKE_ANSWERS", NULL);
    return buf_str(&shown);
}

TEST(each_line_is_answered_until_an_empty_one)
{
    int code = 0;
    next_code = 1;
    struct str shown = ask(arena, "8080|moorage  why udp/53|Free 8080||9090", &code);
    CHECK_STR(buf_str(&asked), "moorage|8080\nmoorage|why|udp/53\nmoorage|Free|8080\n");
    CHECK_INT(code, 1);
    CHECK_STR(shown, "\nWhich port? (Enter closes) \n"
                     "\nAnother port, or a command from above? (Enter closes) \n"
                     "\nAnother port, or a command from above? (Enter closes) \n"
                     "\nAnother port, or a command from above? (Enter closes) ");
}

TEST(after_a_good_answer_there_is_no_command_to_take)
{
    int code = 1;
    next_code = 0;
    struct str shown = ask(arena, "8080|", &code);
    CHECK_STR(shown, "\nWhich port? (Enter closes) \n\nAnother port? (Enter closes) ");
    CHECK_INT(code, 0);
}

TEST(whoever_closes_at_once_gets_the_first_code)
{
    int code = 1;
    ask(arena, "", &code);
    CHECK_INT(asked.len, 0);
    CHECK_INT(code, 1);
}

TEST(end_of_the_input_ends_it)
{
    int code = 0;
    next_code = 3;
    ask(arena, "Error: listen EADDRINUSE: address already in use :::3000", &code);
    CHECK_STR(buf_str(&asked), "moorage|Error:|listen|EADDRINUSE:|address|already|in|use|:::3000\n");
    CHECK_INT(code, 3);
}

TAP_MAIN
