#include "core/redact.h"

#include "base/buf.h"
#include "tap.h"

// The arguments as shown, '|' between; `command` is written the same way.
static struct str
shown(struct arena *arena, struct str command)
{
    struct str_list args = {.count = 0};
    struct buf out = {.arena = arena};
    struct str arg;

    while (str_cut(&command, '|', &arg))
        *LIST_ADD(arena, &args) = arg;
    struct str_list got = redact_command(arena, &args);
    if (got.count != args.count)
        return STR("another number of arguments");
    for (size_t i = 0; i < got.count; i++) {
        if (i > 0)
            buf_add_byte(&out, '|');
        buf_add(&out, got.items[i]);
    }
    return buf_str(&out);
}

#define SHOWS(command, want) CHECK_STR(shown(arena, STR(command)), want)

TEST(harmless_arguments_stay)
{
    SHOWS("", "");
    SHOWS("node|server.js|--port=8080|-p|3000", "node|server.js|--port=8080|-p|3000");
    SHOWS("psql|-h|localhost|-p|5432|--author=ann|--keyspace=a|--monkey=b",
          "psql|-h|localhost|-p|5432|--author=ann|--keyspace=a|--monkey=b");
    SHOWS("docker|run|-p|8080:80|team/auth:latest", "docker|run|-p|8080:80|team/auth:latest");
    SHOWS("curl|http://localhost:3000/a@b", "curl|http://localhost:3000/a@b");
    SHOWS("java|-Xmx2g|-jar|/srv/keys/shop.jar", "java|-Xmx2g|-jar|/srv/keys/shop.jar");
    SHOWS("sh|-c|npm run dev -- --port 3000", "sh|-c|npm run dev -- --port 3000");
}

TEST(secret_options_lose_their_values)
{
    SHOWS("app|--password=hunter2|x", "app|--password=***|x");
    SHOWS("app|--password|hunter2|x", "app|--password|***|x");
    SHOWS("app|--password=", "app|--password=");
    SHOWS("app|--password", "app|--password");
    SHOWS("app|--password|--verbose", "app|--password|--verbose");
    SHOWS("app|--db-pass=a|--apiKey=b|--api_key|c|--AUTH=d", "app|--db-pass=***|--apiKey=***|--api_key|***|--AUTH=***");
    SHOWS("app|--client-secret=a b;c|--cookie=d|--credentials=e|--access-token|f",
          "app|--client-secret=***|--cookie=***|--credentials=***|--access-token|***");
    SHOWS("java|-Dspring.datasource.password=x|-jar|shop.jar", "java|-Dspring.datasource.password=***|-jar|shop.jar");
    SHOWS("env|POSTGRES_PASSWORD=x|SECRET_KEY_BASE=y|PATH=/bin|postgres",
          "env|POSTGRES_PASSWORD=***|SECRET_KEY_BASE=***|PATH=/bin|postgres");
    SHOWS("redis-server|--requirepass|x|--masterauth|y", "redis-server|--requirepass|***|--masterauth|***");
    SHOWS("openssl|s_server|-passin|pass:x", "openssl|s_server|-passin|pass:***");
    SHOWS("app|--passwordFile=x|--userPwd=y", "app|--passwordFile=***|--userPwd=***");
}

TEST(single_programs_have_options_of_their_own)
{
    SHOWS("mysql|-uroot|-psecret|shop", "mysql|-uroot|-p***|shop");
    SHOWS("/usr/bin/mysqldump|-psecret", "/usr/bin/mysqldump|-p***");
    SHOWS("C:\\mysql\\bin\\mysql.exe|-psecret", "C:\\mysql\\bin\\mysql.exe|-p***");
    SHOWS("mysql|-p|shop", "mysql|-p|shop");
    SHOWS("sudo|-u|app|mariadb|-psecret", "sudo|-u|app|mariadb|-p***");
    SHOWS("sshpass|-p|secret|ssh|host", "sshpass|-p|***|ssh|host");
    SHOWS("redis-cli|-a|secret|ping", "redis-cli|-a|***|ping");
    SHOWS("curl|-u|ann:secret|-s|http://localhost", "curl|-u|ann:***|-s|http://localhost");
    SHOWS("curl|-uann:secret|--user|ann:secret|--user|ann", "curl|-uann:***|--user|ann:***|--user|ann");
    SHOWS("docker|login|-p|secret", "docker|login|-p|***");
    SHOWS("node|-psecret", "node|-psecret");
}

TEST(urls_lose_their_passwords)
{
    SHOWS("app|postgres://ann:hunter2@db:5432/shop", "app|postgres://ann:***@db:5432/shop");
    SHOWS("app|--url=http://ann:p@ss@host/x?token=abc&y=1", "app|--url=http://ann:***@host/x?token=***&y=1");
    SHOWS("git|https://0123456789abcdef0123@host/x", "git|https://***@host/x");
    SHOWS("git|ssh://git@host/x", "git|ssh://git@host/x");
    SHOWS("app|http://localhost:80 https://a:b@c", "app|http://localhost:80 https://a:***@c");
}

TEST(headers_and_texts_inside_one_argument)
{
    SHOWS("curl|-H|Authorization: Bearer abc def", "curl|-H|Authorization: ***");
    SHOWS("curl|-H|X-Api-Key: abc", "curl|-H|X-Api-Key: ***");
    SHOWS("sh|-c|mysql --password=abc shop; node x.js", "sh|-c|mysql --password=*** shop; node x.js");
    SHOWS("sh|-c|app --password abc --port 80", "sh|-c|app --password *** --port 80");
    SHOWS("sh|-c|app --password --port 80", "sh|-c|app --password --port 80");
    SHOWS("sh|-c|app --token=\"a b\" x", "sh|-c|app --token=\"***\" x");
    SHOWS("sh|-c|app --token='a b", "sh|-c|app --token=***");
    SHOWS("sh|-c|curl -H 'Cookie: a=b; c=d' x", "sh|-c|curl -H 'Cookie: ***' x");
    SHOWS("sh|-c|curl -H 'Cookie: a=b; c=d", "sh|-c|curl -H 'Cookie: ***");
    SHOWS("app|{\"password\":\"x\",\"port\":80,\"token\": \"y\"}",
          "app|{\"password\":\"***\",\"port\":80,\"token\": \"***\"}");
    SHOWS("app|Server=db;Password=x;Port=80", "app|Server=db;Password=***;Port=80");
    SHOWS("app|a secret: b", "app|a secret: ***");
    SHOWS("app|the key:|x key", "app|the key:|x key");
}

TEST(marked_tokens_are_known_by_their_start)
{
    SHOWS("app|ghp_0123456789abcdef|sk-0123456789abcdef|ghp_short", "app|***|***|ghp_short");
    SHOWS("app|x eyJhbGciOiJIUzI1NiJ9.e30.abc y", "app|x *** y");
}

TEST(paths_lose_the_home)
{
    CHECK_STR(redact_path(arena, STR("/home/ann/src/shop"), STR("/home/ann")), "~/...");
    CHECK_STR(redact_path(arena, STR("/data/ann/src"), STR("/data/ann")), "~/...");
    CHECK_STR(redact_path(arena, STR("/data/anna/src"), STR("/data/ann")), "/data/anna/src");
    CHECK_STR(redact_path(arena, STR("/home/ann"), STR("/home/ann")), "~");
    CHECK_STR(redact_path(arena, STR("/home/bob/x"), STR("/home/ann")), "~/...");
    CHECK_STR(redact_path(arena, STR("/home/bob/"), STR("")), "~");
    CHECK_STR(redact_path(arena, STR("/root/x"), STR("")), "~/...");
    CHECK_STR(redact_path(arena, STR("/rooted/x"), STR("")), "/rooted/x");
    CHECK_STR(redact_path(arena, STR("/Users/ann/x"), STR("")), "~/...");
    CHECK_STR(redact_path(arena, STR("C:\\Users\\ann\\x"), STR("")), "~\\...");
    CHECK_STR(redact_path(arena, STR("C:\\Users\\ann"), STR("")), "~");
    CHECK_STR(redact_path(arena, STR("/usr/bin/node"), STR("/")), "/usr/bin/node");
    CHECK_STR(redact_path(arena, STR(""), STR("/home/ann")), "");
}

TEST(command_that_is_one_text_is_masked_as_well)
{
    CHECK_STR(redact_line(arena, STR("node server.js --token=abc")), "node server.js --token=***");
    CHECK_STR(redact_line(arena, STR("  mysql   --password hunter2 shop ")), "mysql --password *** shop");
    CHECK_STR(redact_line(arena, STR("")), "");
}

TAP_MAIN
