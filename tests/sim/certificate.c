#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"

struct certificate_authority {
    EVP_PKEY *key;
    X509 *cert;
};

static X509 *begin(EVP_PKEY *key, const char *subject, long begins, long expires)
{
    static long serial;
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), begins);
    X509_gmtime_adj(X509_getm_notAfter(cert), expires);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)subject, -1, -1, 0);
    return cert;
}

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
}

static void write_cert(const X509 *cert, const char *file)
{
    FILE *f = fopen(file, "w");
    if (f == NULL || PEM_write_X509(f, cert) != 1) {
        fatal("cannot write %s", file);
    }
    fclose(f);
}

static void write_key(const EVP_PKEY *key, const char *file)
{
    FILE *f = fopen(file, "w");
    if (f == NULL || PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1) {
        fatal("cannot write %s", file);
    }
    fclose(f);
}

struct certificate_authority *certificate_authority_new(const char *ca_file)
{
    static int count;
    char name[40];
    struct certificate_authority *a = xcalloc(1, sizeof *a);
    a->key = EVP_EC_gen("P-256");
    snprintf(name, sizeof name, "Test Authority %d", ++count);
    a->cert = begin(a->key, name, -3600, 86400);
    X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert));
    add_extension(a->cert, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(a->cert, a->key, EVP_sha256());
    write_cert(a->cert, ca_file);
    return a;
}

struct certificate_authority *certificate_authority_free(struct certificate_authority *a)
{
    if (a != NULL) {
        X509_free(a->cert);
        EVP_PKEY_free(a->key);
        free(a);
    }
    return NULL;
}

void certificate_issue(const struct certificate_authority *a, const struct certificate_wish *wish,
                       const char *cert_file, const char *key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const char *subject = wish->subject != NULL ? wish->subject : wish->name;
    X509 *cert = begin(key, subject, wish->begins, wish->expires);
    const X509 *issuer = a != NULL ? a->cert : cert;
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    if (wish->name != NULL) {
        char names[300];
        snprintf(names, sizeof names, "DNS:%s", wish->name);
        add_extension(cert, NID_subject_alt_name, names);
    }
    X509_sign(cert, a != NULL ? a->key : key, EVP_sha256());
    write_cert(cert, cert_file);
    write_key(key, key_file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void certificate_make(const char *cert_file, const char *key_file)
{
    static const struct certificate_wish wish = {
        .subject = "mx.example", .begins = -3600, .expires = 86400};
    certificate_issue(NULL, &wish, cert_file, key_file);
}
