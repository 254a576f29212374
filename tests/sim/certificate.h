/* Certificates for tests, made on the spot. */
#pragma once

/* A self-signed one for mx.example, by its subject alone. */
void certificate_make(const char *cert_file, const char *key_file);

struct certificate_authority;

/* `ca_file` gets its own certificate. */
struct certificate_authority *certificate_authority_new(const char *ca_file);
struct certificate_authority *certificate_authority_free(struct certificate_authority *a);

struct certificate_wish {
    const char *name;     /* in subjectAltName, such as "hop.example" or "*.example" */
    const char *subject;  /* the subject's common name; NULL: `name` */
    long begins, expires; /* seconds from now */
};

/* Writes a certificate, signed by `a` or where that is NULL by itself, and its key. */
void certificate_issue(const struct certificate_authority *a, const struct certificate_wish *wish,
                       const char *cert_file, const char *key_file);
