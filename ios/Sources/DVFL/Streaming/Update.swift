/// What a stream reports: the result of an inference, or an event that follows from it.
public enum Update: Sendable, Equatable {
  /// An inference has answered.
  case result(Result)
  /// The active label changed.
  case event(Event)

  /// One inference.
  public struct Result: Sendable, Equatable {
    /// Presentation time of the newest frame it saw, in seconds.
    public let timeS: Double
    /// Best smoothed score first; ``Prediction/logit`` is this window's own.
    public let predictions: [Prediction]
    /// The label that is entered after this result, or nil.
    public let active: String?
  }

  /// A change of the active label. Every `entered` is followed by its `left` before the next `entered`.
  ///
  /// `timeS` is the presentation time, in seconds, of the newest frame of the result that decided it; `score` is
  /// the smoothed one, 0...1.
  public enum Event: Sendable, Equatable {
    /// A label became active.
    case entered(label: String, timeS: Double, score: Double)
    /// The active label ended: its score fell, another took its place, or the stream was reset.
    case left(label: String, timeS: Double, score: Double)
  }
}

/// What happened to the frames and the due inferences of a stream so far.
///
/// An inference is due at a frame. Every one that was due counts in ``inferences`` or in ``skippedBusy`` once
/// that is decided, except one that failed, whose error is thrown.
public struct StreamCounters: Sendable, Equatable {
  /// Frames given to the stream.
  public internal(set) var received = 0
  /// Of these, dropped because a frame at least as new had come before.
  public internal(set) var droppedLate = 0
  /// Of these, dropped because they came faster than ``StreamingOptions/maxFps``.
  public internal(set) var droppedRate = 0
  /// Of these, dropped because the stream was paused.
  public internal(set) var droppedPaused = 0
  /// Due inferences that never ran on their own: a newer one became due while the model was busy or nobody
  /// iterated, or the stream was reset, paused or closed, or the iterating task was cancelled, before.
  public internal(set) var skippedBusy = 0
  /// How often the model answered.
  public internal(set) var inferences = 0
  /// How often the clock jumped back by more than ``StreamingOptions/maxLateS``.
  public internal(set) var restarts = 0
}
