#include "core/refusal.h"

// bind(2), ipv6(7); "Windows Sockets Error Codes" and "bind function (winsock.h)" on learn.microsoft.com.
static const struct {
    struct str result;
    enum refusal refusal;
} names[] = {
    {STR_INIT("unsupported"), REFUSAL_UNSUPPORTED},
    {STR_INIT("EADDRINUSE"), REFUSAL_IN_USE},
    {STR_INIT("WSAEADDRINUSE"), REFUSAL_IN_USE},
    {STR_INIT("EACCES"), REFUSAL_NO_RIGHT},
    {STR_INIT("EPERM"), REFUSAL_BY_RULE},
    {STR_INIT("WSAEACCES"), REFUSAL_FORBIDDEN},
    {STR_INIT("EADDRNOTAVAIL"), REFUSAL_NOT_LOCAL},
    {STR_INIT("EINVAL"), REFUSAL_NOT_LOCAL},
    {STR_INIT("WSAEADDRNOTAVAIL"), REFUSAL_NOT_LOCAL},
    {STR_INIT("WSAEINVAL"), REFUSAL_NOT_LOCAL},
};

enum refusal
refusal_of(const struct probe *probe)
{
    if (probe->worked)
        return REFUSAL_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_equal(probe->result, names[i].result))
            return names[i].refusal;
    return REFUSAL_OTHER;
}
