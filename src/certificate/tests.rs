use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};

use super::*;

fn made(change: impl FnOnce(&mut CertificateParams)) -> rcgen::Certificate {
    let mut params = CertificateParams::default();
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

fn with(names: &[SanType]) -> Result<Certificate, CertificateError> {
    let names = names.to_vec();
    Certificate::from_pem(&made(|params| params.subject_alt_names = names).pem())
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

#[test]
fn names_are_read_by_their_type() {
    let read = with(&[uri("spiffe://example.org/ci"), dns("spiffe.example.org")]).unwrap();
    assert_eq!(read.uris(), ["spiffe://example.org/ci"]);
    assert_eq!(read.dns_names(), ["spiffe.example.org"]);
    let id = read.spiffe_id().unwrap().unwrap();
    assert_eq!(id.as_str(), "spiffe://example.org/ci");
}

#[test]
fn pem_and_der_are_the_same_certificate() {
    let made = made(|params| params.subject_alt_names = vec![uri("spiffe://example.org/ci")]);
    let der = Certificate::from_der(made.der()).unwrap();
    assert_eq!(Certificate::from_pem(&made.pem()).unwrap(), der);
    assert_eq!(der.thumbprint().len(), 43);
}

#[test]
fn a_workload_has_one_uri_and_signs_nothing() {
    let error = |names: &[SanType]| with(names).unwrap().spiffe_id().unwrap_err();
    let id = "spiffe://example.org/ci";
    let two = [uri(id), uri("spiffe://example.org/other")];
    assert_eq!(error(&two), CertificateError::ManyUris);
    let mixed = [uri("https://example.org/"), uri(id)];
    assert_eq!(error(&mixed), CertificateError::ManyUris);
    for bad in [
        "spiffe://example.org",
        "SPIFFE://example.org/ci",
        "spiffe:x",
    ] {
        assert_eq!(error(&[uri(bad)]), CertificateError::SpiffeId, "{bad}");
    }
    let authority = made(|params| {
        params.subject_alt_names = vec![uri(id)];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let authority = Certificate::from_der(authority.der()).unwrap();
    assert_eq!(authority.spiffe_id(), Err(CertificateError::Authority));
}

#[test]
fn other_certificates_name_no_workload() {
    for names in [
        vec![],
        vec![dns("example.org")],
        vec![uri("https://example.org/ci")],
    ] {
        assert_eq!(with(&names).unwrap().spiffe_id(), Ok(None));
    }
}

#[test]
fn a_control_character_in_a_name_spoils_the_certificate() {
    for bad in [
        "spiffe://example.org/ci\0.evil",
        "spiffe://example.org/ci x",
    ] {
        assert_eq!(with(&[uri(bad)]), Err(CertificateError::Names), "{bad:?}");
    }
    assert_eq!(with(&[dns("a\0b")]), Err(CertificateError::Names));
}

#[test]
fn what_is_no_certificate_is_refused() {
    for (text, error) in [
        ("", CertificateError::Pem),
        ("-----BEGIN CERTIFICATE-----\n", CertificateError::Pem),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            CertificateError::Der,
        ),
        (&"x".repeat(2 * MAX_DER + 1), CertificateError::TooLarge),
    ] {
        assert_eq!(Certificate::from_pem(text), Err(error));
    }
    let made = made(|_| {});
    let mut longer = made.der().to_vec();
    longer.push(0);
    assert_eq!(Certificate::from_der(&longer), Err(CertificateError::Der));
}
