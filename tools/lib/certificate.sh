# A self-signed certificate for this machine's own browsers. Sourced by tools/dev.

certificate=build/dev-certificate/certificate.pem
certificate_key=build/dev-certificate/key.pem

# Kept until its last day: a browser that was told to trust it need not be asked again.
make_certificate() {
    local one_day_s=86400
    if openssl x509 -in "$certificate" -checkend "$one_day_s" >/dev/null 2>&1 && [[ -r $certificate_key ]]; then
        return
    fi
    say "making a development certificate, $certificate"
    mkdir -p "$(dirname "$certificate")"
    (
        umask 077
        logged certificate openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
            -subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
            -addext 'extendedKeyUsage=serverAuth' -keyout "$certificate_key" -out "$certificate"
    )
}
