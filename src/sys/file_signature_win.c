#include "sys/file_signature_win.h"

#include <windows.h>

#include <mscat.h>
#include <softpub.h>
#include <wincrypt.h>
#include <wintrust.h>

#include "sys/late_win.h"
#include "sys/wide_win.h"

enum {
    HASH_ROOM = 64,
    NAME_UNITS = 256,
    TAG_UNITS = 2 * HASH_ROOM + 1,
};

typedef BOOL(WINAPI *acquire_function)(HCATADMIN *, const GUID *, const wchar_t *, PCCERT_STRONG_SIGN_PARA, DWORD);
typedef BOOL(WINAPI *hash_function)(HCATADMIN, HANDLE, DWORD *, BYTE *, DWORD);
typedef HCATINFO(WINAPI *find_function)(HCATADMIN, BYTE *, DWORD, DWORD, HCATINFO *);
typedef BOOL(WINAPI *info_function)(HCATINFO, CATALOG_INFO *, DWORD);
typedef BOOL(WINAPI *release_catalog_function)(HCATADMIN, HCATINFO, DWORD);
typedef BOOL(WINAPI *release_function)(HCATADMIN, DWORD);

// The system's catalogs, by functions that not every Windows has.
struct catalogs {
    acquire_function acquire;
    hash_function hash;
    find_function find;
    info_function info;
    release_catalog_function release_catalog;
    release_function release;
};

enum signature
file_signature_of(long status)
{
    switch ((DWORD)status) {
    case ERROR_SUCCESS:
        return SIGNATURE_GOOD;
    case (DWORD)TRUST_E_NOSIGNATURE:
    case (DWORD)TRUST_E_SUBJECT_FORM_UNKNOWN:
    case (DWORD)TRUST_E_PROVIDER_UNKNOWN:
        return SIGNATURE_NONE;
    case (DWORD)TRUST_E_BAD_DIGEST:
        return SIGNATURE_BROKEN;
    case (DWORD)CERT_E_UNTRUSTEDROOT:
    case (DWORD)CERT_E_CHAINING:
    case (DWORD)CERT_E_EXPIRED:
    case (DWORD)CERT_E_REVOKED:
    case (DWORD)CERT_E_WRONG_USAGE:
    case (DWORD)TRUST_E_EXPLICIT_DISTRUST:
    case (DWORD)TRUST_E_SUBJECT_NOT_TRUSTED:
    case (DWORD)TRUST_E_CERT_SIGNATURE:
        return SIGNATURE_DOUBTED;
    default:
        return SIGNATURE_UNKNOWN;
    }
}

// The simple name of who signed, out of what the verification left.
static struct str
signer_of(struct arena *arena, HANDLE state)
{
    wchar_t name[NAME_UNITS];
    CRYPT_PROVIDER_DATA *data = WTHelperProvDataFromStateData(state);
    CRYPT_PROVIDER_SGNR *signer = data ? WTHelperGetProvSignerFromChain(data, 0, FALSE, 0) : NULL;
    CRYPT_PROVIDER_CERT *certificate = signer ? WTHelperGetProvCertFromChain(signer, 0) : NULL;

    if (!certificate || !certificate->pCert)
        return STR("");
    DWORD units = CertGetNameStringW(certificate->pCert, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, name, NAME_UNITS);
    return units > 1 ? wide_to(arena, name, units - 1) : STR("");
}

// Asks about the file or the catalog that `what` names: no dialogue, no network.
static void
verify(struct arena *arena, WINTRUST_DATA *what, struct file_signature *out)
{
    GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;

    what->cbStruct = sizeof *what;
    what->dwUIChoice = WTD_UI_NONE;
    what->fdwRevocationChecks = WTD_REVOKE_NONE;
    what->dwStateAction = WTD_STATEACTION_VERIFY;
    what->dwProvFlags = WTD_CACHE_ONLY_URL_RETRIEVAL | WTD_REVOCATION_CHECK_NONE;
    LONG status = WinVerifyTrust(INVALID_HANDLE_VALUE, &action, what);
    out->state = file_signature_of(status);
    out->signer = (struct fact){KNOWN_YES, STR("")};
    if (out->state == SIGNATURE_UNKNOWN)
        out->signer.known = KNOWN_UNSUPPORTED;
    else if (out->state != SIGNATURE_NONE)
        out->signer.value = signer_of(arena, what->hWVTStateData);
    what->dwStateAction = WTD_STATEACTION_CLOSE;
    WinVerifyTrust(INVALID_HANDLE_VALUE, &action, what);
}

static bool
find_catalog_functions(struct catalogs *out)
{
    static const wchar_t library[] = L"wintrust.dll";

    out->acquire = (acquire_function)late_find(library, "CryptCATAdminAcquireContext2");
    out->hash = (hash_function)late_find(library, "CryptCATAdminCalcHashFromFileHandle2");
    out->find = (find_function)late_find(library, "CryptCATAdminEnumCatalogFromHash");
    out->info = (info_function)late_find(library, "CryptCATCatalogInfoFromContext");
    out->release_catalog = (release_catalog_function)late_find(library, "CryptCATAdminReleaseCatalogContext");
    out->release = (release_function)late_find(library, "CryptCATAdminReleaseContext");
    return out->acquire && out->hash && out->find && out->info && out->release_catalog && out->release;
}

// Looks the file up in the catalogs by its hash; leaves `out` as it is where none has it.
static void
read_catalog(struct arena *arena, const wchar_t *path, HANDLE file, const wchar_t *algorithm,
             struct file_signature *out)
{
    struct catalogs catalogs;
    BYTE hash[HASH_ROOM];
    DWORD size = sizeof hash;
    wchar_t tag[TAG_UNITS];
    CATALOG_INFO info = {.cbStruct = sizeof info};
    HCATADMIN admin = NULL;
    HCATINFO found = NULL;

    if (!find_catalog_functions(&catalogs) || !catalogs.acquire(&admin, NULL, algorithm, NULL, 0))
        return;
    if (catalogs.hash(admin, file, &size, hash, 0))
        found = catalogs.find(admin, hash, size, 0, NULL);
    if (found && catalogs.info(found, &info, 0)) {
        for (DWORD i = 0; i < size; i++)
            swprintf(tag + 2 * i, 3, L"%02X", hash[i]);
        WINTRUST_CATALOG_INFO catalog = {.cbStruct = sizeof catalog,
                                         .pcwszCatalogFilePath = info.wszCatalogFile,
                                         .pcwszMemberTag = tag,
                                         .pcwszMemberFilePath = path,
                                         .hMemberFile = file,
                                         .pbCalculatedFileHash = hash,
                                         .cbCalculatedFileHash = size};
        WINTRUST_DATA what = {.dwUnionChoice = WTD_CHOICE_CATALOG, .pCatalog = &catalog};
        verify(arena, &what, out);
    }
    if (found)
        catalogs.release_catalog(admin, found, 0);
    catalogs.release(admin, 0);
}

void
file_signature_read(struct arena *arena, const wchar_t *path, struct file_signature *out)
{
    WINTRUST_FILE_INFO file = {.cbStruct = sizeof file, .pcwszFilePath = path};
    WINTRUST_DATA what = {.dwUnionChoice = WTD_CHOICE_FILE, .pFile = &file};

    file.hFile = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                             OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file.hFile == INVALID_HANDLE_VALUE) {
        *out = (struct file_signature){SIGNATURE_UNKNOWN, {.known = KNOWN_NOT_ALLOWED}};
        return;
    }
    verify(arena, &what, out);
    // Newer catalogs name files by one hash, older ones by another.
    if (out->state == SIGNATURE_NONE)
        read_catalog(arena, path, file.hFile, L"SHA256", out);
    if (out->state == SIGNATURE_NONE)
        read_catalog(arena, path, file.hFile, L"SHA1", out);
    CloseHandle(file.hFile);
}
