//! The algorithms on slices: what is of the wrong size is refused, nothing panics.

use std::num::NonZeroU32;

use aes::Aes256;
use aes::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use ring::{hmac, pbkdf2};

/// Bytes of a key, as C counts.
pub const KEY_BYTES: i32 = 32;
/// Bytes of an initialisation vector.
pub const IV_BYTES: i32 = 16;
/// Bytes of a block.
pub const BLOCK_BYTES: i32 = 16;
/// Bytes of an HMAC-SHA512.
pub const HMAC_BYTES: i32 = 64;

/// A size or a choice that the algorithm does not take, or no random bytes to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into what the file holds.
    Encrypt,
    /// Back from it.
    Decrypt,
}

/// Fills `out` from the system's source of random bytes.
pub fn random(out: &mut [u8]) -> Result<(), Unfit> {
    getrandom::fill(out).map_err(|_| Unfit)
}

/// HMAC-SHA512 (RFC 2104, FIPS 198-1) over parts that follow each other.
pub fn hmac(key: &[u8], parts: [&[u8]; 2]) -> [u8; HMAC_BYTES as usize] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, key));
    for part in parts {
        context.update(part);
    }
    let mut sum = [0; HMAC_BYTES as usize];
    sum.copy_from_slice(context.sign().as_ref());
    sum
}

/// PBKDF2 with HMAC-SHA512 (RFC 8018).
pub fn derive(pass: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) -> Result<(), Unfit> {
    let rounds = NonZeroU32::new(rounds).ok_or(Unfit)?;
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, rounds, salt, pass, key);
    Ok(())
}

/// AES-256 (FIPS 197) in CBC mode (NIST SP 800-38A) over whole blocks, in place, without padding.
pub fn crypt(direction: Direction, key: &[u8], iv: &[u8], content: &mut [u8]) -> Result<(), Unfit> {
    let (blocks, rest) = Array::slice_as_chunks_mut(content);
    if !rest.is_empty() {
        return Err(Unfit);
    }
    match direction {
        Direction::Encrypt => cbc::Encryptor::<Aes256>::new_from_slices(key, iv)
            .map_err(|_| Unfit)?
            .encrypt_blocks(blocks),
        Direction::Decrypt => cbc::Decryptor::<Aes256>::new_from_slices(key, iv)
            .map_err(|_| Unfit)?
            .decrypt_blocks(blocks),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex.replace([' ', '\n'], "")).unwrap()
    }

    #[test]
    fn aes_256_cbc_as_in_nist_sp_800_38a_f_2_5() {
        let key = bytes("603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4");
        let iv = bytes("000102030405060708090a0b0c0d0e0f");
        let plain = bytes("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51");
        let mut content = plain.clone();
        crypt(Direction::Encrypt, &key, &iv, &mut content).unwrap();
        assert_eq!(
            content,
            bytes("f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d")
        );
        crypt(Direction::Decrypt, &key, &iv, &mut content).unwrap();
        assert_eq!(content, plain);
    }

    #[test]
    fn hmac_sha512_as_in_rfc_4231_case_2() {
        let sum = hmac(b"Jefe", [b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            sum.to_vec(),
            bytes(
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            )
        );
    }

    #[test]
    fn pbkdf2_sha512_of_a_known_pair() {
        let mut key = [0; 64];
        derive(b"password", b"salt", 2, &mut key).unwrap();
        assert_eq!(
            key.to_vec(),
            bytes(
                "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c
                 f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e"
            )
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut block = [0; 16];
        for (key, iv) in [(31, 16), (33, 16), (32, 15)] {
            let done = crypt(Direction::Encrypt, &vec![0; key], &vec![0; iv], &mut block);
            assert_eq!(done, Err(Unfit));
        }
        assert_eq!(
            crypt(Direction::Encrypt, &[0; 32], &[0; 16], &mut block[..15]),
            Err(Unfit)
        );
        assert_eq!(derive(b"p", b"s", 0, &mut block), Err(Unfit));
    }
}
