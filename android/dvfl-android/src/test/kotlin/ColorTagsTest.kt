package io.github.dvfl.android

import android.hardware.DataSpace
import android.media.MediaFormat
import io.github.dvfl.ColorMatrix.BT601
import io.github.dvfl.ColorMatrix.BT709
import io.github.dvfl.ColorRange.FULL
import io.github.dvfl.ColorRange.LIMITED
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ColorTagsTest {
    @Test
    fun `a video's tags are read`() {
        val sdr = MediaFormat.COLOR_TRANSFER_SDR_VIDEO
        assertEquals(ColorTags(BT709, LIMITED), videoColorTags(MediaFormat.COLOR_STANDARD_BT709, 2, sdr))
        assertEquals(ColorTags(BT601, FULL), videoColorTags(MediaFormat.COLOR_STANDARD_BT601_PAL, 1, sdr))
        assertEquals(
            ColorTags(BT601, null),
            videoColorTags(MediaFormat.COLOR_STANDARD_BT601_NTSC, null, null),
        )
    }

    @Test
    fun `a video without tags leaves the choice to the spec`() {
        assertEquals(ColorTags(null, null), videoColorTags(null, null, null))
        assertEquals(ColorTags(null, null), videoColorTags(0, 0, 0))
    }

    @Test
    fun `HDR, BT 2020 and unknown colours of a video are refused`() {
        fun refusal(
            standard: Int?,
            transfer: Int?,
        ) = videoColorTags(standard, null, transfer).refusal.orEmpty()
        assertTrue(
            refusal(null, MediaFormat.COLOR_TRANSFER_ST2084).startsWith("is HDR (PQ); record with HDR"),
        )
        assertTrue(
            refusal(
                MediaFormat.COLOR_STANDARD_BT709,
                MediaFormat.COLOR_TRANSFER_HLG,
            ).startsWith("is HDR (HLG)"),
        )
        assertTrue(refusal(MediaFormat.COLOR_STANDARD_BT2020, null).startsWith("has BT.2020 colours"))
        assertTrue(refusal(99, null).startsWith("has the colour standard 99"))
    }

    @Test
    fun `an image's data space is read`() {
        assertEquals(ColorTags(BT601, FULL), imageColorTags(DataSpace.DATASPACE_JFIF))
        assertEquals(ColorTags(BT709, LIMITED), imageColorTags(DataSpace.DATASPACE_BT709))
        assertEquals(ColorTags(BT601, LIMITED), imageColorTags(DataSpace.DATASPACE_BT601_525))
        assertEquals(ColorTags(null, null), imageColorTags(DataSpace.DATASPACE_UNKNOWN))
    }

    @Test
    fun `an HDR image is refused unless the caller knows better`() {
        val tags = imageColorTags(DataSpace.DATASPACE_BT2020_PQ)
        assertEquals("is HDR (PQ); configure the session for SDR", tags.refusal)
        assertTrue(imageColorTags(DataSpace.DATASPACE_BT2020_HLG).refusal!!.startsWith("is HDR (HLG)"))
        assertTrue(imageColorTags(DataSpace.DATASPACE_BT2020).refusal!!.startsWith("has BT.2020 colours"))
        assertTrue(
            imageColorTags(DataSpace.DATASPACE_DCI_P3).refusal!!.startsWith("has the colour standard 10"),
        )
        assertNull(tags.overriddenBy(BT709, null).refusal)
        assertEquals("is HDR (PQ); configure the session for SDR", tags.overriddenBy(null, FULL).refusal)
    }

    @Test
    fun `a camera that doesn't say delivers JFIF`() {
        assertEquals(ColorTags(BT601, FULL), cameraTags(ColorTags()))
        assertEquals(ColorTags(BT709, LIMITED), cameraTags(ColorTags(BT709, LIMITED)))
    }
}
