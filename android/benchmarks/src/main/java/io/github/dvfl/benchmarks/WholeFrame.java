package io.github.dvfl.benchmarks;

import io.github.dvfl.ColorConversion;
import io.github.dvfl.ColorSpec;
import io.github.dvfl.Frame;
import io.github.dvfl.PreprocessingSpec;
import io.github.dvfl.ResizeSpec;
import java.nio.ByteBuffer;

/**
 * What an app does without a fused pass: the whole frame to RGB, the whole picture to the short side, then the
 * centre crop. The arithmetic is the same, so the bytes are equal; every array is allocated once, the loops run
 * row by row over locals. Takes upright frames without a crop rectangle.
 */
final class WholeFrame {
    private final PreprocessingSpec spec;
    private final int width;
    private final int height;
    private final int newWidth;
    private final int newHeight;
    private final byte[] rgb;
    private final byte[] resized;
    private final int[] columns;
    private final int[] columnWeights;
    private final int[] rows;
    private final int[] rowWeights;

    WholeFrame(PreprocessingSpec spec, int width, int height) {
        this.spec = spec;
        this.width = width;
        this.height = height;
        double scale = (double) spec.getResize().getShortSide() / Math.min(width, height);
        newWidth = (int) (width * scale + 0.5);
        newHeight = (int) (height * scale + 0.5);
        rgb = new byte[width * height * 3];
        resized = new byte[newWidth * newHeight * 3];
        columns = new int[newWidth];
        columnWeights = new int[2 * newWidth];
        rows = new int[newHeight];
        rowWeights = new int[2 * newHeight];
        taps(width, newWidth, true, columns, columnWeights);
        taps(height, newHeight, false, rows, rowWeights);
    }

    private void taps(int source, int target, boolean isX, int[] positions, int[] weights) {
        double step = 1.0 / ((double) target / source);
        float one = 1 << spec.getResize().getCoefficientBits();
        for (int d = 0; d < target; d++) {
            float exact = (float) ((d + 0.5) * step - 0.5);
            int position = (int) Math.floor(exact);
            float fraction = exact - position;
            if (isX && (position < 0 || position >= source - 1)) {
                position = Math.max(0, Math.min(position, source - 1));
                fraction = 0;
            }
            positions[d] = position;
            weights[2 * d] = (int) Math.rint((1 - fraction) * one);
            weights[2 * d + 1] = (int) Math.rint(fraction * one);
        }
    }

    void preprocess(Frame frame, byte[] out) {
        convert(frame);
        resize();
        int size = spec.getCrop().getSize();
        int left = Math.floorDiv(newWidth - size, 2);
        int top = Math.floorDiv(newHeight - size, 2);
        for (int row = 0; row < size; row++) {
            System.arraycopy(resized, ((top + row) * newWidth + left) * 3, out, row * size * 3, size * 3);
        }
    }

    private void convert(Frame frame) {
        ColorSpec color = spec.getColor();
        ColorConversion conversion = color.conversion(frame.getMatrix(), frame.getRange());
        int lumaOffset = conversion.getLumaOffset();
        int chromaOffset = conversion.getChromaOffset();
        int gain = conversion.getY();
        int rV = conversion.getRV();
        int gU = conversion.getGU();
        int gV = conversion.getGV();
        int bU = conversion.getBU();
        int rounding = color.getRounding();
        int shift = color.getShift();
        ByteBuffer lumaData = frame.getY().getData();
        ByteBuffer uData = frame.getU().getData();
        ByteBuffer vData = frame.getV().getData();
        int lumaStride = frame.getY().getPixelStride();
        int uStride = frame.getU().getPixelStride();
        int vStride = frame.getV().getPixelStride();
        byte[] target = rgb;
        int columnCount = width;
        int position = 0;
        for (int row = 0; row < height; row++) {
            int lumaStart = frame.getY().getOffset() + row * frame.getY().getRowStride();
            int uStart = frame.getU().getOffset() + (row >> 1) * frame.getU().getRowStride();
            int vStart = frame.getV().getOffset() + (row >> 1) * frame.getV().getRowStride();
            for (int column = 0; column < columnCount; column++) {
                int light = ((lumaData.get(lumaStart + column * lumaStride) & 0xFF) - lumaOffset) * gain + rounding;
                int u = (uData.get(uStart + (column >> 1) * uStride) & 0xFF) - chromaOffset;
                int v = (vData.get(vStart + (column >> 1) * vStride) & 0xFF) - chromaOffset;
                target[position] = (byte) clamp((light + rV * v) >> shift);
                target[position + 1] = (byte) clamp((light + gU * u + gV * v) >> shift);
                target[position + 2] = (byte) clamp((light + bU * u) >> shift);
                position += 3;
            }
        }
    }

    private void resize() {
        ResizeSpec rule = spec.getResize();
        int horizontalShift = rule.getHorizontalShift();
        int verticalShift = rule.getVerticalShift();
        int finalShift = rule.getFinalShift();
        int finalRounding = rule.getFinalRounding();
        byte[] source = rgb;
        byte[] target = resized;
        int position = 0;
        for (int row = 0; row < newHeight; row++) {
            int upperStart = clampedRow(rows[row]) * width * 3;
            int lowerStart = clampedRow(rows[row] + 1) * width * 3;
            int upperWeight = rowWeights[2 * row];
            int lowerWeight = rowWeights[2 * row + 1];
            for (int column = 0; column < newWidth; column++) {
                int first = columns[column] * 3;
                int second = Math.min(columns[column] + 1, width - 1) * 3;
                int firstWeight = columnWeights[2 * column];
                int secondWeight = columnWeights[2 * column + 1];
                for (int channel = 0; channel < 3; channel++) {
                    int upper = (source[upperStart + first + channel] & 0xFF) * firstWeight
                        + (source[upperStart + second + channel] & 0xFF) * secondWeight;
                    int lower = (source[lowerStart + first + channel] & 0xFF) * firstWeight
                        + (source[lowerStart + second + channel] & 0xFF) * secondWeight;
                    int sum = ((upperWeight * (upper >> horizontalShift)) >> verticalShift)
                        + ((lowerWeight * (lower >> horizontalShift)) >> verticalShift);
                    target[position++] = (byte) clamp((sum + finalRounding) >> finalShift);
                }
            }
        }
    }

    private int clampedRow(int row) {
        return Math.max(0, Math.min(row, height - 1));
    }

    private static int clamp(int value) {
        return Math.max(0, Math.min(value, 255));
    }
}
