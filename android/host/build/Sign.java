import com.android.apksig.ApkSigner;
import com.android.apksig.ApkVerifier;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;

/**
 * Aligns and signs an APK (schemes 2 and 3; libraries to 16 KB), then verifies it:
 * java Sign.java IN OUT KEYSTORE ALIAS MIN_SDK; the password is in YAOBAN_KEYSTORE_PASSWORD.
 */
class Sign {
    public static void main(String[] arguments) throws Exception {
        File in = new File(arguments[0]);
        File out = new File(arguments[1]);
        String alias = arguments[3];
        int minSdk = Integer.parseInt(arguments[4]);
        char[] password = System.getenv("YAOBAN_KEYSTORE_PASSWORD").toCharArray();

        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream stream = new FileInputStream(arguments[2])) {
            store.load(stream, password);
        }
        List<X509Certificate> certificates = new ArrayList<>();
        for (Certificate certificate : store.getCertificateChain(alias)) {
            certificates.add((X509Certificate) certificate);
        }
        PrivateKey key = (PrivateKey) store.getKey(alias, password);
        new ApkSigner.Builder(List.of(new ApkSigner.SignerConfig.Builder("yaoban", key, certificates).build()))
            .setInputApk(in)
            .setOutputApk(out)
            .setMinSdkVersion(minSdk)
            .setV1SigningEnabled(false)
            .setV2SigningEnabled(true)
            .setV3SigningEnabled(true)
            .setAlignmentPreserved(false)
            .setLibraryPageAlignmentBytes(16384)
            .build()
            .sign();

        ApkVerifier.Result result =
            new ApkVerifier.Builder(out).setMinCheckedPlatformVersion(minSdk).build().verify();
        result.getAllErrors().forEach(error -> System.err.println("signature: " + error));
        boolean sound = result.isVerified() && result.isVerifiedUsingV2Scheme() && result.isVerifiedUsingV3Scheme();
        System.out.println("signature: " + (sound ? "v2 and v3 verified" : "NOT VERIFIED"));
        System.exit(sound ? 0 : 1);
    }
}
