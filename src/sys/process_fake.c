#include "sys/process.h"

#include "sys/fake_host.h"

// Above what Linux gives (PID_MAX_LIMIT, 2^22), so that no recorded process is taken for this program.
static const uint32_t self_pid = UINT32_C(1) << 22;

// What the document does not tell of an asked fact, its system did not have.
static void
settle(struct fact *fact, bool asked)
{
    if (!asked)
        *fact = (struct fact){0};
    else if (fact->known == KNOWN_NOT_ASKED)
        fact->known = KNOWN_UNSUPPORTED;
}

void
process_read(struct arena *arena, uint32_t pid, unsigned facts, struct process *out)
{
    enum known known = fake_host_call_known("process_read");
    const struct process *recorded = host_process(fake_host(), pid);

    (void)arena;
    *out = (struct process){.pid = pid, .known = known == KNOWN_YES ? KNOWN_GONE : known};
    if (known != KNOWN_YES || !recorded)
        return;
    *out = *recorded;
    if (out->known == KNOWN_NOT_ASKED)
        out->known = KNOWN_YES;
    settle(&out->exe, facts & PROCESS_EXE);
    settle(&out->cwd, facts & PROCESS_CWD);
    settle(&out->git_root, facts & PROCESS_GIT);
    settle(&out->git_branch, facts & PROCESS_GIT);
    settle(&out->user, facts & PROCESS_USER);
    settle(&out->cgroup, facts & PROCESS_GROUP);
    settle(&out->company, facts & PROCESS_IMAGE);
    settle(&out->product, facts & PROCESS_IMAGE);
    settle(&out->signer, facts & PROCESS_IMAGE);
    settle(&out->entry.name, facts & PROCESS_ENTRY);
    if (!(facts & PROCESS_EXE))
        out->exe_state = EXE_UNKNOWN;
    if (!(facts & PROCESS_IMAGE))
        out->signature = SIGNATURE_UNKNOWN;
    if (!(facts & PROCESS_GROUP)) {
        out->netns = 0;
        out->pidns = 0;
    }
    if (facts & PROCESS_COMMAND) {
        if (out->command_known == KNOWN_NOT_ASKED)
            out->command_known = KNOWN_UNSUPPORTED;
    } else {
        out->command_known = KNOWN_NOT_ASKED;
        out->command = (struct str_list){0};
    }
}

uint32_t
process_self(void)
{
    return self_pid;
}
