/* Linked statically into a program that also uses OpenSSL and libcurl: all three do their work. */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <xiezhen.h>

static size_t ignore(char *data, size_t size, size_t count, void *user_data) {
  (void)data, (void)user_data;
  return size * count;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (!EVP_Digest("x", 1, digest, &length, EVP_sha256(), NULL) || length != 32) return 3;
  SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
  if (!tls) return 4;
  SSL_CTX_free(tls);

  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
  if (curl_easy_perform(easy) != CURLE_OK) return 5;
  curl_easy_cleanup(easy);

  xiezhen_error *error = NULL;
  xiezhen_client *client = NULL;
  xiezhen_styles *styles = NULL;
  xiezhen_client_options *options = xiezhen_client_options_new();
  xiezhen_client_options_set_base_url(options, argv[1], NULL);
  if (!xiezhen_client_new(options, &client, &error)) xiezhen_list_styles(client, NULL, &styles, &error);
  if (error) fprintf(stderr, "%s\n", xiezhen_error_message(error));
  const int failed = error != NULL || xiezhen_styles_count(styles) == 0;
  xiezhen_styles_free(styles);
  xiezhen_client_free(client);
  xiezhen_client_options_free(options);
  xiezhen_error_free(error);
  curl_global_cleanup();
  return failed;
}
