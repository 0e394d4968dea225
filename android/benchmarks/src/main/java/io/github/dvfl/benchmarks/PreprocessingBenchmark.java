package io.github.dvfl.benchmarks;

import io.github.dvfl.Frame;
import io.github.dvfl.Plane;
import io.github.dvfl.PreprocessingSpec;
import io.github.dvfl.Preprocessor;
import io.github.dvfl.Rect;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** One 1920 x 1080 frame in direct buffers to the 224 x 224 input of the default spec. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class PreprocessingBenchmark {
    static final int WIDTH = 1920;
    static final int HEIGHT = 1080;

    /** How the frame's chroma lies in memory. */
    public enum ChromaLayout {
        /** Pairs of V and U in one plane, pixel stride 2, as most Android cameras give {@code YUV_420_888}. */
        NV21,
        /** A plane each, pixel stride 1. */
        PLANAR,
    }

    /** Set by JMH. */
    @Param({"NV21", "PLANAR"})
    public ChromaLayout layout;

    private Frame frame;
    private Preprocessor preprocessor;
    private ByteBuffer fusedOut;
    private WholeFrame wholeFrame;
    private byte[] wholeFrameOut;

    /** For JMH. */
    @Setup
    public void setUp() {
        PreprocessingSpec spec = shippedSpec();
        frame = noise(layout);
        preprocessor = new Preprocessor(spec);
        fusedOut = ByteBuffer.allocateDirect(preprocessor.getFrameBytes());
        wholeFrame = new WholeFrame(spec, WIDTH, HEIGHT);
        wholeFrameOut = new byte[preprocessor.getFrameBytes()];
    }

    /** The SDK. */
    @Benchmark
    public ByteBuffer fused() {
        preprocessor.preprocess(frame, fusedOut, 0);
        return fusedOut;
    }

    /** The same bytes through a whole RGB picture. */
    @Benchmark
    public byte[] wholeFrame() {
        wholeFrame.preprocess(frame, wholeFrameOut);
        return wholeFrameOut;
    }

    /** {@code PreprocessingSpec.default()}, whose name is a keyword of Java. */
    static PreprocessingSpec shippedSpec() {
        try (InputStream stream = PreprocessingSpec.class.getResourceAsStream("preprocessing.json")) {
            String text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            return PreprocessingSpec.Companion.fromJson(text, "preprocessing.json");
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    static Frame noise(ChromaLayout layout) {
        int chromaWidth = WIDTH / 2;
        int chromaBytes = chromaWidth * HEIGHT / 2;
        Plane y = new Plane(noise(WIDTH * HEIGHT), WIDTH, 1, 0);
        Plane u;
        Plane v;
        if (layout == ChromaLayout.NV21) {
            ByteBuffer pairs = noise(2 * chromaBytes);
            u = new Plane(pairs, WIDTH, 2, 1);
            v = new Plane(pairs, WIDTH, 2, 0);
        } else {
            u = new Plane(noise(chromaBytes), chromaWidth, 1, 0);
            v = new Plane(noise(chromaBytes), chromaWidth, 1, 0);
        }
        Rect whole = new Rect(0, 0, WIDTH, HEIGHT);
        return new Frame(0.0, y, u, v, WIDTH, HEIGHT, whole, 0, false, null, null);
    }

    private static ByteBuffer noise(int bytes) {
        byte[] values = new byte[bytes];
        new Random(bytes).nextBytes(values);
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes).put(values);
        buffer.clear();
        return buffer;
    }
}
