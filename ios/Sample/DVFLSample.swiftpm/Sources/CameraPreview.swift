import AVFoundation
import SwiftUI
import UIKit

/// The camera's picture as it is shown, which is not what the model gets.
struct CameraPreview: UIViewRepresentable {
  let camera: Camera

  func makeUIView(context: Context) -> PreviewView {
    let view = PreviewView()
    if let layer = view.previewLayer {
      camera.show(on: layer)
      layer.videoGravity = .resizeAspectFill
    }
    return view
  }

  func updateUIView(_ view: PreviewView, context: Context) {}
}

final class PreviewView: UIView {
  override class var layerClass: AnyClass { AVCaptureVideoPreviewLayer.self }

  var previewLayer: AVCaptureVideoPreviewLayer? { layer as? AVCaptureVideoPreviewLayer }
}
