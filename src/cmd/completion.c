#include "cmd/command.h"

#include "base/json.h"

#include "base/utf8.h"
#include "cmd/table.h"

// What is put into a script for a shell: names of commands, options and their values. They are moorage's own, so nothing
// needs quoting but help texts.

static void
add_option_words(struct buf *out, const struct opt_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->items[i];
        if (!opt->help)
            continue;
        buf_addf(out, "--%s ", opt->name);
        if (opt->letter)
            buf_addf(out, "-%c ", opt->letter);
    }
}

static void
add_choices(struct buf *out, const char *choices)
{
    struct str rest = str_of(choices);
    struct str choice;

    for (bool first = true; rest.len && str_cut(&rest, '|', &choice); first = false)
        buf_addf(out, "%s%.*s", first ? "" : " ", STR_ARG(choice));
}

// Commands with all their names, blank between; "why|who|explain" with '|'.
static void
add_names(struct buf *out, const struct command *command, char between)
{
    struct str aliases = str_of(command->aliases);
    struct str alias;

    buf_add_c(out, command->name);
    while (str_word(&aliases, &alias)) {
        buf_add_byte(out, between);
        buf_add(out, alias);
    }
}

static void
bash_values(struct buf *out, const struct opt_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->items[i];
        if (opt->kind == OPT_CHOICE) {
            buf_addf(out, "        --%s", opt->name);
            if (opt->letter)
                buf_addf(out, "|-%c", opt->letter);
            buf_add_c(out, ") COMPREPLY=($(compgen -W '");
            add_choices(out, opt->choices);
            buf_add_c(out, "' -- \"$word\")); return ;;\n");
        } else if (opt->value && str_equal(str_of(opt->value), STR("FILE"))) {
            buf_addf(out, "        --%s) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", opt->name);
        } else if (opt->value && !opt->optional_value && opt->help) {
            buf_addf(out, "        --%s", opt->name);
            if (opt->letter)
                buf_addf(out, "|-%c", opt->letter);
            buf_add_c(out, ") return ;;\n");
        }
    }
}

static void
bash(struct buf *out)
{
    buf_add_c(out, "# bash completion for moorage, made by `moorage completion bash`\n"
                   "_moorage() {\n"
                   "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= words= i\n"
                   "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                   "        if [ \"${COMP_WORDS[i]}\" = -- ]; then\n"
                   "            if declare -F _command_offset >/dev/null; then _command_offset $((i + 1))\n"
                   "            else COMPREPLY=($(compgen -c -f -- \"$word\")); fi\n"
                   "            return\n"
                   "        fi\n"
                   "    done\n"
                   "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                   "        case ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n"
                   "    done\n"
                   "    case $before in\n");
    bash_values(out, &command_common_options);
    for (size_t i = 0; i < table_command_count; i++)
        bash_values(out, &table_commands[i]->options);
    buf_add_c(out, "    esac\n    case $command in\n");
    for (size_t i = 0; i < table_command_count; i++) {
        buf_add_c(out, "        ");
        add_names(out, table_commands[i], '|');
        buf_add_c(out, ") words='");
        add_option_words(out, &table_commands[i]->options);
        if (table_commands[i] == &command_help)
            for (size_t k = 0; k < table_command_count; k++)
                if (!table_commands[k]->hidden)
                    buf_addf(out, "%s ", table_commands[k]->name);
        if (table_commands[i] == &command_completion)
            buf_add_c(out, "bash zsh fish ");
        buf_add_c(out, "' ;;\n");
    }
    buf_add_c(out, "        '') words='");
    for (size_t i = 0; i < table_command_count; i++)
        if (!table_commands[i]->hidden)
            buf_addf(out, "%s ", table_commands[i]->name);
    add_option_words(out, &command_list.options);
    buf_add_c(out, "' ;;\n        *) words='");
    add_option_words(out, &command_why.options);
    buf_add_c(out, "' ;;\n    esac\n    COMPREPLY=($(compgen -W \"$words ");
    add_option_words(out, &command_common_options);
    buf_add_c(out, "\" -- \"$word\"))\n}\ncomplete -F _moorage moorage\n");
}

// Help texts stand in single quotes there; in brackets they must not end the bracket.
static void
add_zsh_help(struct buf *out, const char *help)
{
    for (const char *c = help; *c; c++) {
        if (*c == '\'')
            buf_add_c(out, "'\\''");
        else if (*c == '[' || *c == ']' || *c == ':' || *c == '\\')
            buf_addf(out, "\\%c", *c);
        else
            buf_add_byte(out, *c);
    }
}

static void
zsh_option(struct buf *out, const struct opt *opt, const char *form, bool many)
{
    buf_addf(out, "        '%s%s%s[", many ? "*" : "", form,
             opt->kind == OPT_FLAG ? ""
             : opt->optional_value ? "=-"
             : form[1] == '-'      ? "="
                                   : "+");
    add_zsh_help(out, opt->help);
    buf_add_byte(out, ']');
    if (opt->kind != OPT_FLAG) {
        buf_addf(out, ":%s%s:", opt->optional_value ? ":" : "", opt->value);
        if (opt->kind == OPT_CHOICE) {
            buf_add_byte(out, '(');
            add_choices(out, opt->choices);
            buf_add_byte(out, ')');
        } else if (str_equal(str_of(opt->value), STR("FILE"))) {
            buf_add_c(out, "_files");
        }
    }
    buf_add_c(out, "'\n");
}

static void
zsh_options(struct buf *out, const struct opt_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->items[i];
        bool many = opt->kind == OPT_LIST;
        if (!opt->help)
            continue;
        if (opt->letter)
            zsh_option(out, opt, str_c(out->arena, str_printf(out->arena, "-%c", opt->letter)), many);
        zsh_option(out, opt, str_c(out->arena, str_printf(out->arena, "--%s", opt->name)), many);
    }
}

static void
zsh(struct buf *out)
{
    buf_add_c(out, "#compdef moorage\n# zsh completion for moorage, made by `moorage completion zsh`\n"
                   "_moorage() {\n    local -a options commands\n    local -i dashes=${words[(i)--]}\n"
                   "    if (( dashes < CURRENT )); then\n"
                   "        shift $dashes words; (( CURRENT -= dashes )); _normal; return\n    fi\n"
                   "    commands=(\n");
    for (size_t i = 0; i < table_command_count; i++) {
        if (table_commands[i]->hidden)
            continue;
        buf_addf(out, "        '%s:", table_commands[i]->name);
        add_zsh_help(out, table_commands[i]->summary);
        buf_add_c(out, "'\n");
    }
    buf_add_c(out, "    )\n    options=(\n");
    zsh_options(out, &command_common_options);
    buf_add_c(out, "    )\n    case ${words[2]} in\n");
    for (size_t i = 0; i < table_command_count; i++) {
        buf_add_c(out, "    ");
        add_names(out, table_commands[i], '|');
        buf_add_c(out, ") options+=(\n");
        zsh_options(out, &table_commands[i]->options);
        buf_add_c(out, "    ) ;;\n");
    }
    buf_add_c(out, "    *) options+=(\n");
    zsh_options(out, &command_list.options);
    buf_add_c(out,
              "    ) ;;\n    esac\n"
              "    if (( CURRENT == 2 )); then\n        _describe command commands\n    fi\n"
              "    if [[ ${words[2]} == help && CURRENT -eq 3 ]]; then\n        _describe command commands\n    fi\n"
              "    _arguments -s -S $options '*:port or program:'\n}\n"
              "if [[ $funcstack[1] == _moorage ]]; then _moorage \"$@\"; else compdef _moorage moorage; fi\n");
}

static void
add_fish_help(struct buf *out, const char *help)
{
    for (const char *c = help; *c; c++) {
        if (*c == '\'' || *c == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, *c);
    }
}

static void
fish_options(struct buf *out, const struct opt_table *table, const char *condition)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct opt *opt = &table->items[i];
        if (!opt->help)
            continue;
        buf_addf(out, "complete -c moorage%s -l %s", condition, opt->name);
        if (opt->letter)
            buf_addf(out, " -s %c", opt->letter);
        if (opt->kind == OPT_CHOICE) {
            buf_add_c(out, " -x -a '");
            add_choices(out, opt->choices);
            buf_add_byte(out, '\'');
        } else if (opt->kind != OPT_FLAG && !opt->optional_value) {
            buf_add_c(out, str_equal(str_of(opt->value), STR("FILE")) ? " -r -F" : " -x");
        }
        buf_add_c(out, " -d '");
        add_fish_help(out, opt->help);
        buf_add_c(out, "'\n");
    }
}

static void
fish(struct buf *out)
{
    buf_add_c(out, "# fish completion for moorage, made by `moorage completion fish`\ncomplete -c moorage -f\n");
    for (size_t i = 0; i < table_command_count; i++) {
        const struct command *command = table_commands[i];
        struct buf condition = {.arena = out->arena};
        if (!command->hidden) {
            buf_addf(out, "complete -c moorage -n __fish_use_subcommand -a %s -d '", command->name);
            add_fish_help(out, command->summary);
            buf_add_c(out, "'\n");
        }
        buf_add_c(&condition, " -n '__fish_seen_subcommand_from ");
        add_names(&condition, command, ' ');
        buf_add_byte(&condition, '\'');
        fish_options(out, &command->options, str_c(out->arena, buf_str(&condition)));
    }
    fish_options(out, &command_list.options, " -n __fish_use_subcommand");
    fish_options(out, &command_common_options, "");
}

static int
completion_run(struct command_run *run, struct err *err)
{
    struct str shell = run->operands.count == 1 ? run->operands.items[0] : (struct str){0};

    if (str_equal(shell, STR("bash"))) {
        bash(&run->out);
    } else if (str_equal(shell, STR("zsh"))) {
        zsh(&run->out);
    } else if (str_equal(shell, STR("fish"))) {
        fish(&run->out);
    } else {
        err_set(err, ERR_USAGE, 0, "which shell? moorage completion bash, zsh or fish");
        return EXIT_USAGE;
    }
    if (run->common.json) {
        cJSON *document = cJSON_CreateObject();
        json_add_str(run->arena, document, "schema", STR("moorage.completion/1"));
        json_add_str(run->arena, document, "shell", shell);
        json_add_str(run->arena, document, "script", buf_str(&run->out));
        run->out = (struct buf){.arena = run->arena};
        command_json(run, document);
    }
    return EXIT_GOOD;
}

const struct command command_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print a script that completes moorage's words in a shell",
    .about = "Prints a script that lets a shell complete moorage's commands and options. Packages install it; by hand: "
             "moorage completion bash > ~/.local/share/bash-completion/completions/moorage",
    .hidden = true,
    .run = completion_run,
};
