/* A certificate for mx.example that signs itself and lasts a day, for tests and measurements. */
#pragma once

/* Writes certificate and key as PEM. */
void certificate_make(const char *cert_file, const char *key_file);
