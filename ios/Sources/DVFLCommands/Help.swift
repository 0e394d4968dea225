/// The texts of `--help`.
enum Help {
  static let overview = """
    dvfl-swift: look into a bundle, prove its artifacts and recognise an action, on this computer.

    Usage:
      dvfl-swift inspect BUNDLE                  what it holds, and whether it was changed
      dvfl-swift verify BUNDLE                   its reference clips through an engine, against PyTorch's answers
      dvfl-swift recognize BUNDLE --planes FILE  raw YUV frames of a clip to labels
      dvfl-swift COMMAND --help                  options and examples

    Start here:
      dvfl-swift inspect demo/bundle
      dvfl-swift verify demo/bundle --engine litert --library libLiteRt.so

    A BUNDLE is a folder that 'dvfl convert' of the Python package wrote.
    Exit status: 0 done; 1 failed, or a check did; 2 wrong usage. Errors are one line on the standard error.

    """

  private static let engine = """
      --engine litert|coreml   what runs the model    [default: the first here that the bundle has]
      --precision fp32|fp16|int8                      [default: the first that passed its parity gate]
      --library PATH           the LiteRT shared library to load, where it's not linked in
      --threads N              CPU threads            [default: the engine's choice]
    """

  static let inspect = """
    dvfl-swift inspect BUNDLE

    Lists the model, the preprocessing and every file with its size, and compares the sha256 of each with the
    manifest's. Exits with 1 if a file was changed. A file that was left out, as an app does, is no fault.

    Example:
      dvfl-swift inspect demo/bundle

    """

  static let verify = """
    dvfl-swift verify BUNDLE [options]

    Runs every reference clip through an artifact and compares the logits with PyTorch's in the manifest: largest
    error, cosine, best class. Exits with 1 if the artifact misses the gate that the manifest sets.

    Options:
    \(engine)

    Examples:
      dvfl-swift verify demo/bundle
      dvfl-swift verify demo/bundle --engine litert --precision int8 --library libLiteRt.so

    """

  static let recognize = """
    dvfl-swift recognize BUNDLE --planes FILE --width W --height H --frames N [options]

    FILE holds all N frames of a clip as raw planes without padding, as ffmpeg writes them. The frames that the
    model sees are chosen and preprocessed exactly as on a phone.

    Options:
      --fps F                  frames per second      [default: 30]
      --format i420|nv12       planes Y, U, V or Y, UV [default: i420]
      --matrix BT601|BT709     colour matrix          [default: the bundle's]
      --range limited|full     sample range           [default: the bundle's]
      --rotation 0|90|180|270  clockwise, to upright  [default: 0]
      --top N                  labels to print        [default: 5]
      --tensor OUT             write the model's input, uint8 T x H x W x 3, and run no model
      --timings                print milliseconds for opening, preprocessing and inference (p50, p90)
      --runs N                 inferences to time     [default: 20]
    \(engine)

    Examples:
      ffmpeg -i clip.mp4 -pix_fmt yuv420p -f rawvideo clip.yuv
      dvfl-swift recognize demo/bundle --planes clip.yuv --width 1280 --height 720 --frames 131 --timings
      dvfl-swift recognize demo/bundle --planes clip.yuv --width 1280 --height 720 --frames 131 --tensor clip.u8

    """
}
